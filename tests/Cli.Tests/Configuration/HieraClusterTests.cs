using System.Text;
using System.Text.Json;
using Conclave.Client;
using Conclave.Extensions.Tests;
using Conclave.Layers;
using Conclave.Layers.Tests.Support;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Tests.Configuration;

/// <summary>A real fleet's Hiera data through the command line into a node, and what the node then answers, against what Puppet answered.</summary>
public class HieraClusterTests(SharedNode shared, ITestOutputHelper output)
{
    private const string Space = "wikimedia", Document = "puppet";

    /// <summary>What a reader of Hiera may ask for, and the schema that gives it: here a merge is of the key, not of the reader.</summary>
    private static readonly Dictionary<string, MergeKind> Merges = new() { ["hash"] = MergeKind.Map, ["deep"] = MergeKind.Deep, ["unique"] = MergeKind.Union };

    private ConfigurationClient Client => shared.Node.Client.Configuration;

    [Fact]
    public async Task The_service_answers_every_line_as_the_real_puppet_did()
    {
        string folder = SharedData.Require("wikimedia");
        var shell = new ConfigShell(shared.Node, Space);
        string done = await shell.DoneAsync("import", "hiera", "--hierarchy", Path.Combine(folder, "hierarchy.yaml"), "--nodes", Path.Combine(folder, "nodes.tsv"), "--data", Path.Combine(folder, "hieradata"),
            "-m", "all of it", "--command-timeout", "60s");
        output.WriteLine(done);
        Line[] lines = [.. File.ReadLines(Path.Combine(folder, "expected-sample.jsonl")).Select(Line.Of)];
        await AgentsReportAsync([.. lines.Select(l => l.Host).Distinct()]);

        await CopyForMergesAsync([.. lines.Where(l => Merges.ContainsKey(l.Merge)).Select(l => (l.Merge, l.Key.Split('.')[0])).Distinct()]);

        var wrong = new List<string>();
        foreach (IGrouping<string, Line> host in lines.GroupBy(l => l.Host)) await CompareAsync(host.Key, [.. host], wrong);
        foreach (string each in wrong.Take(40)) output.WriteLine(each);
        output.WriteLine($"{lines.Length - wrong.Count} of {lines.Length} answers are equal.");
        Assert.Empty(wrong);
        Assert.True(lines.Length > 12_000, $"Only {lines.Length} lines were compared.");
    }

    private static string KeyOf(Line line) => Merges.ContainsKey(line.Merge) ? CopyOf(line.Merge, line.Key.Split('.')[0]) : line.Key.Split('.')[0];

    private static string CopyOf(string asked, string key) => $"{asked}/{key}";

    private async Task CompareAsync(string host, Line[] lines, List<string> wrong)
    {
        var request = new V1.GetRequest { Space = Space, Subject = new V1.Subject { Node = host }, Document = Document, Reveal = true };
        request.Keys.AddRange(lines.Select(KeyOf).Distinct());
        V1.GetResponse answer = await Client.GetAsync(request, TestContext.Current.CancellationToken);
        Dictionary<string, V1.Item> items = answer.Items.ToDictionary(i => i.Key);
        foreach (Line line in lines)
        {
            string[] path = line.Key.Split('.');
            V1.Item? item = items.GetValueOrDefault(KeyOf(line));
            Value? got = path.Skip(1).Aggregate(item is null ? null : Read(item.Value), Step);
            if (!Equals(got, line.Value)) wrong.Add($"{line.Host} {line.Key} {line.Merge}: wanted {Cut(line.Value)}, got {Cut(got)}");
            else if (line.Merge == "" && line.Level is { } level && path.Length == 1 && item is not null && LevelOf(item.Scope) != level) wrong.Add($"{line.Host} {line.Key}: wanted from {level}, got from {item.Scope}");
        }
    }

    /// <summary>A key that a reader asks for with a merge of its own gets a twin whose schema says that merge, and whose entries take part in it.</summary>
    private async Task CopyForMergesAsync((string Asked, string Key)[] wanted)
    {
        var change = new V1.Change();
        ILookup<string, string> asked = wanted.ToLookup(w => w.Key, w => w.Asked);
        await foreach (V1.ExportPart part in Client.ExportAsync(new V1.ExportRequest { Space = Space, Documents = { Document }, Reveal = true }, TestContext.Current.CancellationToken))
        {
            foreach (V1.EntryEdit entry in part.Change.Entries)
            {
                foreach (string each in asked[entry.Key])
                    change.Entries.Add(new V1.EntryEdit(entry) { Key = CopyOf(each, entry.Key), Op = entry.Op == "set" ? "append" : entry.Op });
            }
        }

        foreach ((string each, string key) in wanted)
            change.Schemas.Add(new V1.SchemaEdit { Document = Document, Key = CopyOf(each, key), Schema = SchemaJson.Write(KeySchema.Default with { Merge = Merges[each] }) });
        await Client.PublishAsync(new V1.PublishRequest { Space = Space, Change = change, Author = "tester", Reason = "merges" }, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_imported_stays_when_the_agents_of_the_hosts_report(bool isDraft)
    {
        var shell = new ConfigShell(shared.Node, $"hiera-{isDraft}");
        string folder = Directory.CreateTempSubdirectory("conclave-cli-").FullName, data = Path.Combine(folder, "data");
        Directory.CreateDirectory(data);
        await File.WriteAllTextAsync(Path.Combine(folder, "hierarchy"), "dimensions: [host]\nlevels:\n  - {name: all, kind: file, path: all.yaml}\nvariables: {hostname: column host, fqdn: column fqdn, domain: fqdn without the first label}\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "nodes"), "host\tfqdn\nn1\tn1.example.org\nn2\t\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(data, "all.yaml"), "a: \"%{::fqdn} at %{facts.networking.domain} %{facts.hostname} %{facts.ipaddress}.\"\n", TestContext.Current.CancellationToken);
        string[] import = ["import", "hiera", "--hierarchy", Path.Combine(folder, "hierarchy"), "--nodes", Path.Combine(folder, "nodes"), "--data", data];
        await shell.DoneAsync([.. import, .. isDraft ? (string[])["--draft", "d"] : ["-m", "x"]]);
        if (isDraft) await shell.DoneAsync("publish", "d", "-m", "x");
        Directory.Delete(folder, recursive: true);

        foreach (string node in (string[])["n1", "n2"])
            await Client.AcknowledgeAsync(new V1.AcknowledgeRequest { Space = $"hiera-{isDraft}", Node = node, HasFacts = true, Facts = { ["hostname"] = "\"localhost\"", ["fqdn"] = "\"wrong\"", ["ipaddress"] = "\"192.0.2.1\"" } }, TestContext.Current.CancellationToken);
        await RunningNode.EventuallyAsync("the reports are known", async () => (await shell.DoneAsync("show", "n1", "puppet", "a")).Contains("192.0.2.1", StringComparison.Ordinal));
        Assert.StartsWith("a\t\"n1.example.org at example.org n1 192.0.2.1.\"", await shell.DoneAsync("show", "n1", "puppet", "a"), StringComparison.Ordinal);
        await RunningNode.EventuallyAsync("the reports are known", async () => (await shell.DoneAsync("show", "n2", "puppet", "a")).Contains("192.0.2.1", StringComparison.Ordinal));
        Assert.StartsWith("a\t\" at  n2 192.0.2.1.\"", await shell.DoneAsync("show", "n2", "puppet", "a"), StringComparison.Ordinal);
    }

    /// <summary>As the agents of hosts do that were told nothing. Reports are no release, so a read does not wait for them.</summary>
    private async Task AgentsReportAsync(string[] hosts)
    {
        foreach (string host in hosts)
            await Client.AcknowledgeAsync(new V1.AcknowledgeRequest { Space = Space, Node = host, HasFacts = true, Facts = { ["hostname"] = "\"localhost\"" } }, TestContext.Current.CancellationToken);
        foreach (string host in hosts)
        {
            await RunningNode.EventuallyAsync($"the report of {host} is known", async () =>
                (await Client.NodesAsync(new V1.NodesRequest { Space = Space, Node = host })).Nodes[0].Facts.Count > 0);
        }
    }

    private static Value? Step(Value? value, string step) => value switch
    {
        { Kind: ValueKind.Map } map when map.TryGetMember(step, out Value? member) => member,
        { Kind: ValueKind.List } list when int.TryParse(step, out int index) && index < list.Elements.Length => list.Elements[index],
        _ => null,
    };

    private static string LevelOf(string scope) =>
        scope == "*" ? "common"
        : scope.StartsWith("host=", StringComparison.Ordinal) ? "host"
        : scope.StartsWith("regex=", StringComparison.Ordinal) ? "regex"
        : scope.StartsWith("site=", StringComparison.Ordinal) && !scope.Contains(';', StringComparison.Ordinal) ? "site"
        : scope.Contains("site=", StringComparison.Ordinal) ? "role@site" : "role";

    private static Value Read(string json) => ValueJson.TryParse(Encoding.UTF8.GetBytes(json), out Value? value, out string problem) ? value : throw new FormatException(problem);

    private static string Cut(Value? value) => value?.ToString() is { } text ? text.Length > 300 ? text[..300] + "..." : text : "nothing";

    private sealed record Line(string Host, string Key, string Merge, Value? Value, string? Level)
    {
        public static Line Of(string json)
        {
            using JsonDocument line = JsonDocument.Parse(json);
            JsonElement root = line.RootElement;
            return new Line(root.GetProperty("host").GetString()!, root.GetProperty("key").GetString()!,
                root.TryGetProperty("merge", out JsonElement merge) ? merge.GetString()! : "",
                root.GetProperty("found").GetBoolean() ? Read(root.GetProperty("value").GetRawText()) : null,
                root.TryGetProperty("level", out JsonElement level) ? level.GetString() : null);
        }
    }
}
