using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Conclave.Conformance.Tests.Suite;

namespace Conclave.Conformance.Tests.Comparing;

/// <summary>Holds the transcripts of two servers against each other.</summary>
/// <param name="known">Differences by design; all others are found.</param>
/// <param name="names">What the two sides are called in messages.</param>
internal sealed class Comparison(IReadOnlyList<KnownDifference> known, (string Expected, string Actual) names)
{
    private const int ShownCharactersMax = 700;
    public static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly HashSet<(KnownDifference, string)> _met = [];
    private readonly List<string> _found = [];
    private bool _explained;

    /// <summary>What Conclave said where the table does not: place and answer, in the order of places.</summary>
    public SortedDictionary<string, string> OwnAnswers { get; } = new(StringComparer.Ordinal);

    /// <summary>Cases with a difference, and not in the table.</summary>
    public int FailedCases { get; private set; }

    /// <returns>One text per difference; empty when the table explains all of them and none of the table's is missing.</returns>
    public IReadOnlyList<string> Differences(string group, IReadOnlyList<Transcript> expected, IReadOnlyList<Transcript> actual)
    {
        long drift = 0;
        foreach (Transcript etcd in expected)
        {
            int before = _found.Count;
            string name = $"{group}/{etcd.Case}: {(etcd.Over == Over.Grpc ? "grpc" : "json")}";
            if (etcd.IsBroken && names.Expected == "etcd")
                _found.Add($"{name}\n    the case does not work on etcd itself: {Show(etcd.Steps[^1].Seen)}");
            if (actual.FirstOrDefault(one => one.Case == etcd.Case && one.Over == etcd.Over) is { } conclave)
                CompareCase(name, etcd, conclave, ref drift);
            else
                _found.Add($"{name}\n    {names.Expected} has it, {names.Actual} has not");
            FailedCases += _found.Count > before ? 1 : 0;
        }
        foreach (Transcript extra in actual.Where(one => !expected.Any(other => other.Case == one.Case && other.Over == one.Over)))
            _found.Add($"{group}/{extra.Case}: {extra.Over}\n    {names.Actual} has it, {names.Expected} has not");
        foreach (KnownDifference difference in known)
        {
            foreach (string place in difference.Where.Where(place => KnownDifference.GroupOf(place) == group && !_met.Contains((difference, place))))
                _found.Add($"{group}: the table of known differences lists '{difference.Id}' at '{place}', but they agree there now. Remove it.");
        }
        return _found;
    }

    /// <summary>
    /// A case that takes another number of revisions is told once, by the case after it, unless it differs by design; the later ones count from their own beginning.
    /// </summary>
    private void CompareCase(string name, Transcript expected, Transcript actual, ref long drift)
    {
        bool mayHaveMoved = _explained;
        _explained = false;
        if (actual.Begins - expected.Begins != drift)
        {
            drift = actual.Begins - expected.Begins;
            if (!mayHaveMoved)
                _found.Add($"{name}\n    begins at revision {expected.Begins} on {names.Expected} and {actual.Begins} on {names.Actual}: the case before it took another number of revisions");
        }
        foreach ((string step, JsonNode? seen) in expected.Steps)
        {
            int at = actual.Steps.FindIndex(one => one.Name == step);
            if (at >= 0)
                Compare($"{name}: {step} $", seen, actual.Steps[at].Seen, (true, true));
            else
                Add($"{name}: {step}", Show(seen), "never got there");
        }
        foreach ((string step, JsonNode? seen) in actual.Steps.Where(one => !expected.Steps.Any(other => other.Name == one.Name)))
            Add($"{name}: {step}", "never got there", Show(seen));
    }

    private void Compare(string place, JsonNode? expected, JsonNode? actual, (bool Expected, bool Actual) isThere)
    {
        if (isThere.Expected == isThere.Actual && JsonNode.DeepEquals(expected, actual))
            return;
        if (Explained(place, expected, actual, isThere))
            return;
        switch (expected, actual)
        {
            case (JsonObject a, JsonObject b):
                foreach (string name in a.Select(member => member.Key).Union(b.Select(member => member.Key)))
                    Compare($"{place}.{name}", a[name], b[name], (a.ContainsKey(name), b.ContainsKey(name)));
                return;
            case (JsonArray a, JsonArray b) when a.Count == b.Count:
                for (int i = 0; i < a.Count; i++)
                    Compare($"{place}[{i}]", a[i], b[i], (true, true));
                return;
            default:
                Add(place, isThere.Expected ? Show(expected) : KnownDifference.Absent, isThere.Actual ? Show(actual) : KnownDifference.Absent);
                return;
        }
    }

    private bool Explained(string place, JsonNode? expected, JsonNode? actual, (bool Expected, bool Actual) isThere)
    {
        foreach (KnownDifference difference in known)
        {
            if (difference.PlaceCovering(place) is not { } pattern || !Says(difference.Etcd, expected, isThere.Expected) || !Says(difference.Conclave, actual, isThere.Actual))
                continue;
            _met.Add((difference, pattern));
            if (difference.Conclave == KnownDifference.Any)
                OwnAnswers[place] = isThere.Actual ? actual?.ToJsonString(Plain) ?? "null" : KnownDifference.Absent;
            return _explained = true;
        }
        return false;
    }

    private static bool Says(string wanted, JsonNode? seen, bool isThere) => wanted switch
    {
        KnownDifference.Any => true,
        KnownDifference.Absent => !isThere,
        _ => isThere && JsonNode.DeepEquals(JsonNode.Parse(wanted), seen),
    };

    private void Add(string place, string expected, string actual) => _found.Add($"{place}\n    {names.Expected + ":",-10}{expected}\n    {names.Actual + ":",-10}{actual}");

    private static string Show(JsonNode? node)
    {
        string text = node?.ToJsonString(Plain) ?? "null";
        return text.Length <= ShownCharactersMax ? text : new StringBuilder(text, 0, ShownCharactersMax, ShownCharactersMax + 4).Append(" ...").ToString();
    }
}
