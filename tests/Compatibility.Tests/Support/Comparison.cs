using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Conclave.Processes.Servers;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>Holds two transcripts of one script against each other.</summary>
internal static class Comparison
{
    private const string Absent = "(absent)";
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <returns>One line per difference that no entry of <see cref="KnownDifferences"/> explains; empty when they agree.</returns>
    public static IReadOnlyList<string> Differences(string script, IReadOnlyList<(string Name, JsonNode? Seen)> expected, IReadOnlyList<(string Name, JsonNode? Seen)> actual)
    {
        List<string> found = [];
        var actualByName = actual.ToDictionary(line => line.Name, line => line.Seen);
        foreach ((string name, JsonNode? seen) in expected)
        {
            string line = $"{script}: {name}";
            if (actualByName.Remove(name, out JsonNode? other))
                Compare(line, "$", seen, other, found);
            else
                found.Add($"{line}\n    etcd:     {Show(seen)}\n    conclave: never got there");
        }
        found.AddRange(actualByName.Select(line => $"{script}: {line.Key}\n    etcd:     never got there\n    conclave: {Show(line.Value)}"));
        return found;
    }

    private static void Compare(string line, string path, JsonNode? expected, JsonNode? actual, List<string> found)
    {
        if (Explaining(line, path) is { } known)
        {
            CompareWithKnown(line, path, known, JsonNode.DeepEquals(expected, actual), isThere: true, actual, found);
            return;
        }
        switch (expected, actual)
        {
            case (JsonObject a, JsonObject b):
                foreach (string name in a.Select(member => member.Key).Union(b.Select(member => member.Key)))
                    CompareMember(line, $"{path}.{name}", a, b, name, found);
                return;
            case (JsonArray a, JsonArray b) when a.Count == b.Count:
                for (int i = 0; i < a.Count; i++)
                    Compare(line, $"{path}[{i}]", a[i], b[i], found);
                return;
            default:
                if (!JsonNode.DeepEquals(expected, actual))
                    found.Add($"{line} at {path}\n    etcd:     {Show(expected)}\n    conclave: {Show(actual)}");
                return;
        }
    }

    private static void CompareMember(string line, string path, JsonObject expected, JsonObject actual, string name, List<string> found)
    {
        bool inExpected = expected.TryGetPropertyValue(name, out JsonNode? a), inActual = actual.TryGetPropertyValue(name, out JsonNode? b);
        if (inExpected && inActual)
            Compare(line, path, a, b, found);
        else if (Explaining(line, path) is { } known)
            CompareWithKnown(line, path, known, agrees: false, inActual, b, found);
        else
            found.Add($"{line} at {path}\n    etcd:     {(inExpected ? Show(a) : Absent)}\n    conclave: {(inActual ? Show(b) : Absent)}");
    }

    private static void CompareWithKnown(string line, string path, KnownDifference known, bool agrees, bool isThere, JsonNode? actual, List<string> found)
    {
        if (known.NotYet && agrees)
            found.Add($"{line} agrees now, though KnownDifferences says: {known.Reason}. Remove that entry.");
        else if (known.Conclave is { } wanted && !(isThere && JsonNode.DeepEquals(JsonNode.Parse(wanted), actual)))
            found.Add($"{line} at {path}\n    wanted:   {wanted} ({known.Reason})\n    conclave: {(isThere ? Show(actual) : Absent)}");
    }

    /// <summary>etcd compared with itself differs nowhere.</summary>
    private static KnownDifference? Explaining(string line, string path) =>
        Clusters.SubjectKind == ServerKind.Conclave ? KnownDifferences.Explaining(line, path) : null;

    private static string Show(JsonNode? node)
    {
        string text = node?.ToJsonString(Readable) ?? "null";
        return text.Length <= 600 ? text : new StringBuilder(text, 0, 600, 640).Append(" ...").ToString();
    }
}
