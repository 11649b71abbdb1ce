using System.Text;
using System.Text.Json;
using Conclave.Layers.Import;
using Conclave.Layers.Tests.Support;

namespace Conclave.Layers.Tests.Import;

/// <summary>A real fleet's Hiera data, imported, planned, published and resolved, against what Puppet answered.</summary>
public class WikimediaTests(ITestOutputHelper output, WikimediaFleet wikimedia) : IClassFixture<WikimediaFleet>
{
    [Fact]
    public void Every_answer_of_the_real_puppet_is_given()
    {
        var wrong = new List<string>();
        int lines = 0;
        foreach (string line in File.ReadLines(Path.Combine(wikimedia.Folder, "expected-sample.jsonl")))
        {
            lines++;
            using JsonDocument expected = JsonDocument.Parse(line);
            JsonElement root = expected.RootElement;
            string host = root.GetProperty("host").GetString()!, key = root.GetProperty("key").GetString()!;
            string merge = root.TryGetProperty("merge", out JsonElement asked) ? asked.GetString()! : "default";
            Value? wanted = null;
            if (root.GetProperty("found").GetBoolean())
                Assert.True(ValueJson.TryParse(Encoding.UTF8.GetBytes(root.GetProperty("value").GetRawText()), out wanted, out string problem), problem);
            Evaluated got = wikimedia.Lookup(host, key, merge);
            if (got.Problem is not null || !Equals(got.Value, wanted))
                wrong.Add($"{host} {key} {merge}: wanted {Cut(wanted)}, got {got.Problem?.Message ?? Cut(got.Value)}");
            else if (merge == "default" && root.TryGetProperty("level", out JsonElement level) && !key.Contains('.') && wikimedia.LevelOf(host, key) != level.GetString())
                wrong.Add($"{host} {key}: wanted from {level.GetString()}, got from {wikimedia.LevelOf(host, key)}");
        }
        foreach (string each in wrong.Take(40))
            output.WriteLine(each);
        output.WriteLine($"{lines - wrong.Count} of {lines} answers are equal.");
        Assert.Empty(wrong);
        Assert.True(lines > 12_000, $"Only {lines} lines were compared.");
    }

    [Fact]
    public void Nothing_of_the_data_had_to_be_given_up()
    {
        foreach (ConfigProblem problem in wikimedia.Imported.Problems)
            output.WriteLine(problem.ToString());
        output.WriteLine($"{wikimedia.Imported.Edits.Length} edits, {wikimedia.Plan.Record?.ToBytes().Length} bytes, {wikimedia.Fleet.ClassCount} classes: {wikimedia.Plan.Impact}");
        Assert.DoesNotContain(wikimedia.Imported.Problems, p => p.IsError);
        Assert.DoesNotContain(wikimedia.Plan.Problems, p => p.IsError);
    }

    [Fact]
    public void Its_checkpoint_comes_back_byte_for_byte()
    {
        byte[] bytes = wikimedia.Fleet.State.ToBytes();
        ConfigState read = ConfigState.FromBytes(bytes);
        Assert.Equal(bytes, read.ToBytes());
        Assert.Equal(wikimedia.Fleet.State.ContentHash.ToArray(), read.ContentHash.ToArray());
    }

    private static string Cut(Value? value) => value?.ToString() is { } text ? text.Length > 300 ? text[..300] + "..." : text : "nothing";
}

/// <summary>The data, imported and published once for all tests.</summary>
public sealed class WikimediaFleet
{
    private const string Document = "hiera";

    public WikimediaFleet()
    {
        Folder = SharedData.Require("wikimedia");
        string data = Path.Combine(Folder, "hieradata");
        var files = Directory.EnumerateFiles(data, "*", SearchOption.AllDirectories).ToDictionary(f => Path.GetRelativePath(data, f), File.ReadAllText);
        Imported = HieraImport.Run(new(File.ReadAllText(Path.Combine(Folder, "hierarchy.yaml")), File.ReadAllText(Path.Combine(Folder, "nodes.tsv")), files), Document);
        Inputs = ResolutionInputs.None;   // no agent has said anything
        Plan = Fleet.Of(ConfigState.Initial).Plan(new Change(0, Imported.Edits), new ReleaseNote { Author = "import", Reason = "all of it" }, Inputs);
        Fleet = Plan.After ?? throw new InvalidOperationException("The import cannot be published: " + string.Join('\n', Plan.Problems.Take(20)));
    }

    public string Folder { get; }

    public ImportResult Imported { get; }

    public ResolutionInputs Inputs { get; }

    public Plan Plan { get; }

    public Fleet Fleet { get; }

    public Evaluated Lookup(string host, string key, string merge)
    {
        string[] path = key.Split('.');
        Evaluated found = merge switch
        {
            "hash" => Fleet.EffectiveKeyMergedAs(host, Document, path[0], MergeKind.Map, Inputs),
            "deep" => Fleet.EffectiveKeyMergedAs(host, Document, path[0], MergeKind.Deep, Inputs),
            "unique" => Fleet.EffectiveKeyMergedAs(host, Document, path[0], MergeKind.Union, Inputs),
            _ => Fleet.EffectiveKey(host, Document, path[0], Inputs),
        };
        foreach (string step in path.Skip(1))
        {
            found = found with
            {
                Value = found.Value switch
                {
                    { Kind: ValueKind.Map } map when map.TryGetMember(step, out Value? member) => member,
                    { Kind: ValueKind.List } list when int.TryParse(step, out int index) && index < list.Elements.Length => list.Elements[index],
                    _ => null,
                },
            };
        }
        return found;
    }

    public string? LevelOf(string host, string key) =>
        Fleet.Explain(host, Document, key, Inputs)?.Entries.FirstOrDefault(e => e.Fate == EntryFate.Wins)?.Scope is not { } scope ? null
            : scope == "*" ? "common"
            : scope.StartsWith("host=", StringComparison.Ordinal) ? "host"
            : scope.StartsWith("regex=", StringComparison.Ordinal) ? "regex"
            : scope.StartsWith("site=", StringComparison.Ordinal) ? "site"
            : scope.Contains(";site=", StringComparison.Ordinal) ? "role@site" : "role";
}
