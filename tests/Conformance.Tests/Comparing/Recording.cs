using System.Text.Json;
using System.Text.Json.Nodes;
using Conclave.Conformance.Tests.Suite;
using Conclave.Processes.Servers;

namespace Conclave.Conformance.Tests.Comparing;

/// <summary>What etcd answered, kept in Recorded/ for machines without etcd. <c>CONCLAVE_CONFORMANCE_RECORD=1</c> writes it, and docs/compatibility.md, anew.</summary>
internal static class Recording
{
    public const string Renew = "CONCLAVE_CONFORMANCE_RECORD=1 dotnet test -c Release tests/Conformance.Tests";

    public static bool IsWanted => Environment.GetEnvironmentVariable("CONCLAVE_CONFORMANCE_RECORD") == "1";

    public static string Root => ServerBinary.RepositoryRoot() ?? throw new InvalidOperationException("This is written and checked in a checkout only.");

    public static void Write(string group, IEnumerable<Transcript> transcripts) =>
        File.WriteAllLines(Path.Combine(Root, "tests/Conformance.Tests/Recorded", group + ".jsonl"), transcripts.Select(Line));

    /// <summary>Empty when nothing was recorded yet.</summary>
    public static List<Transcript> Read(string group)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Recorded", group + ".jsonl");
        return File.Exists(path) ? [.. File.ReadLines(path).Select(Parsed)] : [];
    }

    /// <summary>What Conclave answers where it differs by design and the table does not say how: a change there has to be seen too.</summary>
    public static void WriteOwn(string group, SortedDictionary<string, string> answers) =>
        File.WriteAllLines(Path.Combine(Root, "tests/Conformance.Tests/Recorded", OwnName(group)), answers.Select(one => JsonSerializer.Serialize(new[] { one.Key, one.Value }, Comparison.Plain)));

    public static SortedDictionary<string, string> ReadOwn(string group)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Recorded", OwnName(group));
        var answers = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            string[] one = JsonSerializer.Deserialize<string[]>(line)!;   // not null: WriteOwn writes pairs
            answers.Add(one[0], one[1]);
        }
        return answers;
    }

    private static string OwnName(string group) => $"{group}.conclave.jsonl";

    private static string Line(Transcript one) => new JsonObject
    {
        ["case"] = one.Case,
        ["over"] = one.Over.ToString(),
        ["begins"] = one.Begins,
        ["steps"] = new JsonObject(one.Steps.Select(step => KeyValuePair.Create(step.Name, step.Seen?.DeepClone()))),
    }.ToJsonString(Comparison.Plain);

    private static Transcript Parsed(string line)
    {
        JsonNode one = JsonNode.Parse(line)!;   // not null: Line writes objects with just these members
        return new Transcript(one["case"]!.GetValue<string>(), Enum.Parse<Over>(one["over"]!.GetValue<string>()), one["begins"]!.GetValue<long>(),
            [.. one["steps"]!.AsObject().Select(step => (step.Key, step.Value?.DeepClone()))]);
    }
}
