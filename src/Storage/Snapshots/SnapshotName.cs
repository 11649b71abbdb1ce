namespace Conclave.Storage;

/// <summary>Names of snapshot files.</summary>
internal static class SnapshotName
{
    internal const string Prefix = "snapshot-";
}
