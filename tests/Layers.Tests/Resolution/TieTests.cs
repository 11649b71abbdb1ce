using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Layers.Tests.Resolution;

/// <summary>Entries of equal precedence: either their names do not matter, or it is called ambiguous.</summary>
public class TieTests(ITestOutputHelper output)
{
    [Fact]
    public void Names_never_choose_a_winner_that_is_not_called_ambiguous()
    {
        int silent = 0, called = 0;
        Properties.Holds(Prop.ForAll((int seed) =>
        {
            var random = new Random(seed);
            for (int i = 0; i < 100; i++)
            {
                var merge = (MergeKind)random.Next(5);
                int count = random.Next(2, 6), level = 0;
                var contributions = new Contribution[count];
                var levels = new int[count];
                for (int c = 0; c < count; c++)
                {
                    level += random.Next(3) == 0 ? 1 : 0;
                    (contributions[c], levels[c]) = (new(Scope.Of("group", $"g{c}"), Entry(random, merge)), level);
                }
                ResolvedKey resolved = ResolvedKey.Of("k", contributions, levels, merge);
                if (resolved.Ambiguity is not null)
                {
                    called++;
                    continue;
                }
                silent++;
                // The same entries with the names of those that tie the other way round, and turned by one.
                foreach (Func<Contribution[], IEnumerable<Contribution>> turn in (Func<Contribution[], IEnumerable<Contribution>>[])[g => g.Reverse(), g => g.Skip(1).Append(g[0])])
                {
                    Contribution[] turned = [.. contributions.Zip(levels).GroupBy(c => c.Second).SelectMany(g => turn([.. g.Select(c => c.First)]))];
                    Assert.Equal(Unordered(resolved.Constant), Unordered(ResolvedKey.Of("k", turned, levels, merge).Constant));
                }
            }
        }), output, tests: 200);
        output.WriteLine($"{silent} without a tie that matters, {called} ambiguous.");
        Assert.True(silent > 2000 && called > 2000);
    }

    private static Entry Entry(Random random, MergeKind merge) => random.Next(8) switch
    {
        0 => Layers.Entry.Set(Any(random, merge, 0)),
        1 => random.Next(2) == 0 ? Layers.Entry.Unset() : Layers.Entry.Final(Any(random, merge, 0)),
        2 when merge is MergeKind.Append or MergeKind.Union => Layers.Entry.Remove(Any(random, merge, 0)),
        2 when merge is MergeKind.Map or MergeKind.Deep => Layers.Entry.Remove(Value.Of(random.Next(2) == 0 ? "x" : "y")),
        _ => Layers.Entry.Append(Any(random, merge, 0)),
    };

    private static Value Any(Random random, MergeKind merge, int depth) => merge switch
    {
        MergeKind.Replace => Value.Of(random.Next(3)),
        MergeKind.Append or MergeKind.Union => Value.List([.. Enumerable.Range(0, random.Next(3)).Select(_ => Value.Of(random.Next(3)))]),
        _ when depth == 0 => Value.Map(((string[])["x", "y"]).Where(_ => random.Next(3) > 0).Select(m => KeyValuePair.Create(m, Any(random, merge, 1)))),
        _ => random.Next(5) switch
        {
            0 => Value.Null,
            1 => Value.ListOf(Value.Of(random.Next(2))),
            2 when depth < 3 => Value.Map(((string[])["u", "v"]).Where(_ => random.Next(2) > 0).Select(m => KeyValuePair.Create(m, Any(random, merge, depth + 1)))),
            _ => Value.Of(random.Next(2)),
        },
    };

    /// <summary>Text in which the order of a list's elements does not show: among equals they are ordered by name, which chooses nothing.</summary>
    private static string Unordered(Value? value) => value?.Kind switch
    {
        null => "-",
        ValueKind.List => $"[{string.Join(',', value.Elements.Select(Unordered).Order(StringComparer.Ordinal))}]",
        ValueKind.Map => $"{{{string.Join(',', value.Members.Select(m => $"{m.Key}:{Unordered(m.Value)}"))}}}",
        _ => value.ToString(),
    };
}
