using System.Collections.Immutable;
using Conclave.Layers.Serving.Secrets;
using Conclave.Support;
using FsCheck;
using FsCheck.Fluent;

namespace Conclave.Layers.Serving.Tests.Secrets;

public class EntrySealingTests(ITestOutputHelper output)
{
    private static readonly KeySchema Secret = new() { Secret = true };

    private readonly Rings _random = new(1);

    private static SchemaEdit SchemaOf(string key, KeySchema schema) => new("nova", key, schema);

    private static EntryEdit Set(string key, Value value, string scope = "*") => new("nova", Scope.TryParse(scope, out Scope? at, out _) ? at : Scope.Everything, key, Entry.Set(value));

    /// <summary>A space after these changes, each sealed and published as a member would.</summary>
    private SpaceSnapshot After(params Edit[][] changes)
    {
        SpaceSnapshot now = ConfigSpace.Empty("default", Rings.Of(1));
        foreach (Edit[] change in changes)
        {
            SealedChange made = EntrySealing.Seal(now, [.. change], "amy", 1, _random.Fill);
            Assert.DoesNotContain(made.Problems, p => p.IsError);
            Plan plan = now.Fleet.Plan(new Change(now.Release, made.Edits), new ReleaseNote(), now.Inputs);
            Assert.True(plan.After is not null, string.Join('\n', plan.Problems));
            SpaceSecrets secrets = now.Secrets.With(made.Made);
            now = new SpaceSnapshot("default", plan.After, now.Inputs.WithSecrets(secrets.All.Select(s => KeyValuePair.Create(s.Key, s.Value.VersionText))), now.Facts, secrets: secrets);
        }

        return now;
    }

    private static Edit[] Node(params string[] nodes) => [new DimensionsEdit([new("role", false), new("host", false)], "host"), .. nodes.Select(n => new NodeEdit(n, Assignment.Of([new("role", n)])))];

    private static Value? Revealed(SpaceSnapshot now, string node, string key) => now.Fleet.Effective(node, "nova", now.Inputs)!.Find(key) is not { } entry ? null
        : entry.IsPending ? now.Secrets.Reveal(entry.Value, out _) : entry.Value;

    [Fact]
    public void Whatever_a_secret_value_is_its_node_gets_it_and_nothing_of_it_is_in_the_release() =>
        Properties.Holds(Prop.ForAll((NonEmptyString text, int number, bool nested) =>
        {
            string marked = $"hunter{text.Get}";
            if (text.Get.Any(char.IsSurrogate) || Template.Parse(marked).Problem is not null || Template.Parse(marked).Parts.Any(p => p.Reference is not null)) return;
            Value literal = nested ? Value.ListOf(Value.Of(marked), Value.Of(number), Value.Map([KeyValuePair.Create("m", Value.Of(marked))])) : Value.Of(marked);
            SpaceSnapshot now = After(Node("a"), [SchemaOf("k", Secret)], [Set("k", literal)]);
            Assert.Equal(SecretReferences.Unescape(literal), Revealed(now, "a", "k"));
            Assert.DoesNotContain("hunter", System.Text.Encoding.UTF8.GetString(now.State.ToBytes()), StringComparison.Ordinal);
        }), output, tests: 100);

    [Fact]
    public void Texts_around_references_are_sealed_piece_by_piece()
    {
        SpaceSnapshot now = After(Node("a"), [SchemaOf("url", Secret)], [Set("host", Value.Of("mq1")), Set("url", Value.Of("mq://nova:hunter2@%{key:host}/v"))]);
        Assert.Equal(Value.Of("mq://nova:hunter2@mq1/v"), Revealed(now, "a", "url"));
        Assert.DoesNotContain("hunter", now.State.Document("nova").EntryOf(Scope.Everything, "url")!.Value.ToString(), StringComparison.Ordinal);
        Assert.Contains("%{key:host}", now.State.Document("nova").EntryOf(Scope.Everything, "url")!.Value.AsString, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_that_is_set_to_what_it_is_keeps_its_secret_and_equal_values_of_scopes_share_one()
    {
        SpaceSnapshot now = After(Node("a", "b"), [SchemaOf("k", Secret)], [Set("k", Value.Of("x")), Set("k", Value.Of("x"), "role=a"), Set("k", Value.Of("y"), "role=b")]);
        Assert.Equal(2, now.Secrets.All.Count);
        SealedChange again = EntrySealing.Seal(now, [Set("k", Value.Of("x"))], "bob", 2, _random.Fill);
        Assert.Empty(again.Made);
        Assert.Empty(Shown.Effective(now.State, again.Edits));
    }

    [Fact]
    public void Lists_that_merge_are_sealed_element_by_element_so_that_they_still_merge()
    {
        KeySchema list = new() { Secret = true, Type = KeyType.List, Element = KeyType.String, Merge = MergeKind.Append };
        EntryEdit more = Set("k", Value.Null, "role=a") with { Entry = Entry.Append(Value.ListOf(Value.Of("c"))) };
        EntryEdit less = Set("k", Value.Null, "host=a") with { Entry = Entry.Remove(Value.ListOf(Value.Of("a"))) };
        SpaceSnapshot now = After(Node("a"), [SchemaOf("k", list)], [Set("k", Value.ListOf(Value.Of("a"), Value.Of("b")))], [more], [less]);
        Assert.Equal(Value.ListOf(Value.Of("b"), Value.Of("c")), Revealed(now, "a", "k"));
    }

    [Fact]
    public void A_schema_that_becomes_secret_seals_what_is_there_and_says_that_history_is_not()
    {
        SpaceSnapshot before = After(Node("a"), [Set("k", Value.Of("hunter2")), Set("k", Value.Of("hunter3"), "role=a")]);
        SealedChange change = EntrySealing.Seal(before, [SchemaOf("k", Secret)], "amy", 1, _random.Fill);
        Assert.Equal(3, change.Edits.Length);
        Assert.Equal(2, change.Made.Count);
        Assert.Equal([ProblemCodes.SecretInHistory], change.Problems.Select(p => p.Code));
        SpaceSnapshot now = After(Node("a"), [Set("k", Value.Of("hunter2")), Set("k", Value.Of("hunter3"), "role=a")], [SchemaOf("k", Secret)]);
        Assert.Equal(Value.Of("hunter3"), Revealed(now, "a", "k"));
    }

    [Fact]
    public void A_literal_is_checked_before_it_is_sealed_and_the_problem_does_not_show_it()
    {
        SpaceSnapshot now = After(Node("a"), [SchemaOf("k", new KeySchema { Secret = true, Type = KeyType.String, LengthMax = 3 })]);
        SealedChange change = EntrySealing.Seal(now, [Set("k", Value.Of("hunter2"))], "amy", 1, _random.Fill);
        ConfigProblem problem = Assert.Single(change.Problems);
        Assert.Equal(ProblemCodes.Schema, problem.Code);
        Assert.DoesNotContain("hunter", problem.Message, StringComparison.Ordinal);
        Assert.Empty(change.Made);
    }

    [Theory]
    [InlineData("hunter2%{x")]
    [InlineData("%{hunter2}")]
    public void A_secret_that_looks_like_a_broken_reference_is_refused_without_being_shown(string text)
    {
        SpaceSnapshot now = After(Node("a"), [SchemaOf("k", Secret)]);
        Assert.DoesNotContain("hunter", Assert.Single(EntrySealing.Seal(now, [Set("k", Value.Of(text))], "amy", 1, _random.Fill).Problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_keys_nothing_is_sealed_and_the_problem_says_what_to_do()
    {
        SpaceSnapshot now = ConfigSpace.Empty("default");
        SealedChange change = EntrySealing.Seal(now, [SchemaOf("k", Secret), Set("k", Value.Of("hunter2"))], "amy", 1, _random.Fill);
        Assert.Contains("--secrets-key-file", Assert.Single(change.Problems).Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter", string.Join(' ', change.Edits), StringComparison.Ordinal);
        ImmutableArray<Edit> reference = [SchemaOf("k", Secret), Set("k", SecretReferences.Refer("mq/nova"))];
        Assert.Empty(EntrySealing.Seal(now, reference, "amy", 1, _random.Fill).Problems);
    }

    [Fact]
    public void A_new_version_of_a_secret_changes_the_hash_of_the_documents_that_refer_to_it_and_of_no_other()
    {
        SpaceSnapshot now = After(Node("a"), [Set("k", Value.Of("x-%{secret:mq}")), new EntryEdit("glance", Scope.Everything, "k", Entry.Set(Value.Of(1)))]);
        ResolutionInputs one = now.Inputs.WithSecrets([KeyValuePair.Create("mq", "5.1")]), two = now.Inputs.WithSecrets([KeyValuePair.Create("mq", "5.2")]), same = now.Inputs.WithSecrets([KeyValuePair.Create("mq", "5.1")]);
        Assert.False(Hash("nova", one).SequenceEqual(Hash("nova", two)));
        Assert.True(Hash("nova", one).SequenceEqual(Hash("nova", same)));
        Assert.True(Hash("glance", one).SequenceEqual(Hash("glance", two)));
        Assert.Same(now.Fleet.Effective("a", "nova", one), now.Fleet.Effective("a", "nova", one));   // nodes of a class share it

        ReadOnlySpan<byte> Hash(string document, ResolutionInputs inputs) => now.Fleet.Effective("a", document, inputs)!.Hash;
    }

    [Fact]
    public void What_is_for_the_program_stays_a_template_when_secrets_are_filled_in()
    {
        SpaceSecrets secrets = ConfigSpace.Empty("default", Rings.Of(1)).Secrets;
        secrets = secrets.With([KeyValuePair.Create("mq", Sealing.Seal(Rings.Of(1), new("default", "mq"), 1, Value.Of("a%{b"), "", 0, _random.Fill))]);
        Assert.Equal(Value.Of("a%{b"), secrets.Reveal(Value.Of("%{secret:mq@1.1}"), out bool isPending));
        Assert.False(isPending);
        Assert.Equal(Value.Of("a%%{b-%{program:x}"), secrets.Reveal(Value.Of("%{secret:mq@1.1}-%{program:x}"), out isPending));
        Assert.True(isPending);
        Assert.Matches("^<secret [0-9a-f]{8}>-x$", secrets.Conceal(Value.Of("%{secret:mq@1.1}-x"), out _).AsString);
        Assert.True(SpaceSecrets.HasFingerprint(secrets.Conceal(Value.Of("%{secret:mq@1.1}-x"), out _)));
    }
}
