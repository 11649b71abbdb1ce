using System.Text.RegularExpressions;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>A place where the packaged etcd 3.4 and Conclave, which behaves as 3.6, rightly answer differently.</summary>
/// <param name="Line">Regular expression on the whole of <c>script: line</c>.</param>
/// <param name="Path">Regular expression on the path inside the answer, such as <c>\$\.body\.code</c>; covers what lies below it too.</param>
/// <param name="Reason">Why.</param>
/// <param name="Conclave">What Conclave must answer there, as JSON; null when anything but etcd's answer will do.</param>
/// <param name="NotYet">Conclave does not serve this yet. Once it answers as etcd does the entry is wrong, and the test says so.</param>
internal sealed record KnownDifference(string Line, string Path, string Reason, string? Conclave = null, bool NotYet = false)
{
    public bool Covers(string line, string path) => Regex.IsMatch(line, $"^(?:{Line})$") && Regex.IsMatch(path, $@"^(?:{Path})(?:$|[.\[])");
}
