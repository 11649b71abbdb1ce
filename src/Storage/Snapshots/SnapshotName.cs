using System.Globalization;
using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>Names of snapshot files: <c>snapshot-(index)-(term)</c>, each with 20 digits, so that the order of the names is the order of the log.</summary>
internal static class SnapshotName
{
    internal const string Prefix = "snapshot-", WriteSuffix = ".tmp", ReceiveSuffix = ".part";
    private const int Digits = 20;

    internal static string Of(EntryId last) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{last.Index.Value:D20}-{last.Term.Value:D20}");

    internal static bool IsUnfinished(string name) => name.StartsWith(Prefix, StringComparison.Ordinal)
        && (name.EndsWith(WriteSuffix, StringComparison.Ordinal) || name.EndsWith(ReceiveSuffix, StringComparison.Ordinal));

    internal static bool TryParse(string name, out EntryId last)
    {
        last = default;
        if (name.Length != Prefix.Length + 2 * Digits + 1 || !name.StartsWith(Prefix, StringComparison.Ordinal) || name[Prefix.Length + Digits] != '-'
            || !ulong.TryParse(name.AsSpan(Prefix.Length, Digits), NumberStyles.None, CultureInfo.InvariantCulture, out ulong index)
            || !ulong.TryParse(name.AsSpan(Prefix.Length + Digits + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ulong term))
            return false;
        last = new EntryId(new LogIndex(index), new Term(term));
        return true;
    }
}
