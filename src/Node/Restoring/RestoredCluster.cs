using System.Text;
using Conclave.Node.Options;

namespace Conclave.Node.Restoring;

/// <summary>What makes a restored cluster another one than that which was backed up, although its members are started with the same flags.</summary>
/// <remarks>
/// Ids follow from the flags. If a restored cluster had those of the old one, a member of that which comes back later could not be told from one of this.
/// So the checksum of the backup is mixed in beside the token: all members restore the same file and compute the same ids, and no cluster before did. A
/// file in the data directory keeps it.
/// </remarks>
internal static class RestoredCluster
{
    internal const string FileName = "restored-from";

    /// <summary>The options with which ids are computed.</summary>
    public static NodeOptions With(NodeOptions options, string backupSha256) =>
        options with { InitialClusterToken = $"{options.InitialClusterToken}\nrestored from {backupSha256}" };

    /// <summary>The options as they stand, unless the data directory came from a backup.</summary>
    public static NodeOptions OptionsFor(NodeOptions options)
    {
        string path = Path.Combine(options.DataDir, FileName);
        return File.Exists(path) ? With(options, File.ReadAllText(path).Trim()) : options;
    }

    public static void Write(string dataDir, string backupSha256)
    {
        using FileStream file = File.Create(Path.Combine(dataDir, FileName));
        file.Write(Encoding.ASCII.GetBytes(backupSha256 + "\n"));
        file.Flush(flushToDisk: true);
    }
}
