using System.Collections.Immutable;
using Conclave.Layers.Tests.Support;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Layers.Tests.Resolution;

/// <summary>Classes, overlays, shared evaluation and incremental change against the resolver that looks at everything every time.</summary>
public class FleetModelTests(ITestOutputHelper output)
{
    private static readonly ResolutionInputs Facts = RandomFleet.Facts;

    [Fact]
    public void A_fleet_that_advances_change_by_change_equals_the_obvious_model() => Properties.Holds(Prop.ForAll((int seed) =>
    {
        foreach ((_, Fleet fleet, _) in Run(seed, changes: 12))
            AssertEqualToModel(fleet);
    }), output, tests: 150);

    /// <summary>Of any two releases, also far apart and also back: who was away comes from anywhere, and a release that is taken back leads there.</summary>
    [Fact]
    public void A_delta_applied_is_the_document_recomputed() => Properties.Holds(Prop.ForAll((int seed) =>
    {
        Fleet[] fleets = [.. Run(seed, changes: 10).Select(r => r.After)];
        var random = new Random(seed);
        for (int i = 0; i < fleets.Length; i++)
        {
            AssertDeltas(fleets[Math.Max(0, i - 1)], fleets[i]);
            AssertDeltas(fleets[random.Next(fleets.Length)], fleets[random.Next(fleets.Length)]);
        }
    }), output, tests: 60);

    private static void AssertDeltas(Fleet before, Fleet after)
    {
        FleetDelta deltas = before.DeltaTo(after, Facts, Facts);
        var model = new SlowModel(after.State, Facts);
        foreach (string node in after.State.Nodes.Keys.Where(before.State.Nodes.ContainsKey))
        {
            foreach (string document in after.State.Documents.Keys.Union(before.State.Documents.Keys))
            {
                EffectiveDocument wanted = after.Effective(node, document, Facts)!;
                DocumentDelta delta = deltas.For(node, document)!;
                EffectiveDocument got = delta.ApplyTo(before.Effective(node, document, Facts)!);
                Assert.Equal(wanted.Hash.ToArray(), got.Hash.ToArray());
                Assert.Equal(model.Document(node, document).Where(m => m.Value != "!"), got.Entries.Select(e => KeyValuePair.Create(e.Key, e.Value.ToString())));
                EffectiveDocument read = EffectiveDocument.FromBytes(document, wanted.Release, wanted.Bytes);
                Assert.Equal(wanted.Bytes.ToArray(), read.Bytes.ToArray());
            }
        }
    }

    /// <summary>A model that cannot evaluate what it is given agrees with everything.</summary>
    [Fact]
    public void Random_fleets_merge_in_every_way_and_most_of_their_keys_have_values()
    {
        (int values, int failures) = (0, 0);
        var ways = new HashSet<(EntryOp, MergeKind, bool HasReference)>();
        for (int seed = 1; seed <= 150; seed++)
        {
            (_, Fleet fleet, _) = Run(seed, changes: 12).Last();
            var model = new SlowModel(fleet.State, Facts);
            foreach ((_, string node, string document, string key) in Questions(fleet))
            {
                foreach ((_, Entry entry) in model.Matching(node, document, key))
                    ways.Add((entry.Op, fleet.State.Document(document).SchemaOf(key).Merge, entry.Value.HasTemplate));
            }
            foreach (string text in fleet.State.Nodes.Keys.SelectMany(n => fleet.State.Documents.Keys.SelectMany(d => model.Document(n, d).Values)))
                _ = text == "!" ? failures++ : values++;
        }
        output.WriteLine($"{values} values, {failures} that cannot be evaluated, {ways.Count} ways");
        Assert.True(values > 2 * failures);
        Assert.All(Enum.GetValues<MergeKind>(), kind => Assert.All(Enum.GetValues<EntryOp>(), op => Assert.Contains((op, kind, op != EntryOp.Unset), ways)));
    }

    [Fact]
    public void Every_key_asked_for_alone_is_the_one_in_the_document() => Properties.Holds(Prop.ForAll((int seed) =>
    {
        (_, Fleet fleet, _) = Run(seed, changes: 10).Last();
        foreach (string node in fleet.State.Nodes.Keys)
        {
            foreach (string document in fleet.State.Documents.Keys)
            {
                EffectiveDocument whole = fleet.Effective(node, document, Facts)!;
                foreach (string key in fleet.KeysOf(document))
                {
                    Evaluated alone = fleet.EffectiveKey(node, document, key, Facts);
                    Assert.Equal(whole.Find(key)?.Value, alone.Value);
                    Assert.Equal(whole.Problems.Any(p => p.Key == key), alone.Problem is not null);
                    ExplainedEntry[] explained = [.. fleet.Explain(node, document, key, Facts)!.Entries];
                    Assert.Equal(new SlowModel(fleet.State, Facts).Matching(node, document, key).Select(m => m.Entry), explained.Reverse().Select(e => e.Entry));
                }
            }
        }
    }), output, tests: 60);

    [Fact]
    public void Precedence_is_the_rule_as_it_is_told() => Properties.Holds(Prop.ForAll((int seed) =>
    {
        (_, Fleet fleet, _) = Run(seed, changes: 12).Last();
        var model = new SlowModel(fleet.State, Facts);
        Scope[] scopes = [.. fleet.State.Documents.Values.SelectMany(d => d.Scopes.Keys).Distinct()];
        foreach (Scope a in scopes)
        {
            foreach (Scope b in scopes)
            {
                Assert.Equal(Math.Sign(model.Compare(a, b)), Math.Sign(Precedence.Compare(a, b, fleet.State.Dimensions)));
                Assert.Equal(a.Equals(b), Precedence.CompareTotally(a, b, fleet.State.Dimensions) == 0);
            }
        }
    }), output, tests: 100);

    [Fact]
    public void What_is_called_ambiguous_is_a_tie_at_the_top_with_different_values() => Properties.Holds(Prop.ForAll((int seed) =>
    {
        (_, Fleet fleet, _) = Run(seed, changes: 14).Last();
        var model = new SlowModel(fleet.State, Facts);
        foreach ((NodeClass nodeClass, string node, string document, string key) in Questions(fleet))
        {
            List<(Scope Scope, Entry Entry)> matching = model.Matching(node, document, key);
            if (matching.Count == 0 || fleet.State.Document(document).SchemaOf(key).Merge != MergeKind.Replace || matching.Any(m => m.Entry.Op is EntryOp.Append or EntryOp.Remove))
                continue;
            (Scope top, _) = matching.Find(m => m.Entry.Op == EntryOp.Final) is { Scope: not null } final ? final : matching[^1];
            bool differ = matching.Where(m => model.Compare(m.Scope, top) == 0).DistinctBy(m => (m.Entry.Op == EntryOp.Unset, m.Entry.Value)).Count() > 1;
            Assert.Equal(differ, fleet.Resolve(nodeClass, node, new(document, key))!.Ambiguity is not null);
        }
    }), output, tests: 150);

    private static IEnumerable<(NodeClass Class, string Node, string Document, string Key)> Questions(Fleet fleet) =>
        from node in fleet.State.Nodes.Keys
        from document in fleet.State.Documents.Keys
        from key in fleet.KeysOf(document)
        select (fleet.ClassOf(node)!, node, document, key);

    /// <summary>Random edits without the checks of a publish: the resolver has to be right about what a publish would refuse, too.</summary>
    internal static IEnumerable<(Fleet Before, Fleet After, ImmutableArray<Edit> Edits)> Run(int seed, int changes)
    {
        var random = new RandomFleet(seed);
        Fleet fleet = Fleet.Of(Applied(ConfigState.Initial, RandomFleet.Foundation.Edits));
        for (int i = 0; i < changes; i++)
        {
            ImmutableArray<Edit> edits = random.Edits();
            Fleet next = fleet.Advance(Applied(fleet.State, edits), edits);
            yield return (fleet, next, edits);
            fleet = next;
        }
    }

    internal static ConfigState Applied(ConfigState state, ImmutableArray<Edit> edits) =>
        Publishing.Stamp(state, Editing.Apply(state, edits, state.Release + 1), new(new(state.Release, edits), new ReleaseNote { Author = "amy" }));

    private static void AssertEqualToModel(Fleet fleet)
    {
        var model = new SlowModel(fleet.State, Facts);
        foreach (string node in fleet.State.Nodes.Keys)
        {
            foreach (string document in fleet.State.Documents.Keys)
            {
                EffectiveDocument got = fleet.Effective(node, document, Facts)!;
                SortedDictionary<string, string> wanted = model.Document(node, document);
                var asText = new SortedDictionary<string, string>(got.Entries.ToDictionary(e => e.Key, e => e.Value.ToString()), StringComparer.Ordinal);
                foreach (ConfigProblem problem in got.Problems)
                    asText[problem.Key!] = "!";
                Assert.Equal(wanted, asText);
            }
        }
    }
}
