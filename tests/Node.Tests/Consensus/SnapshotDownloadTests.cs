using Conclave.Node.Services;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Consensus;

public class SnapshotDownloadTests
{
    [Fact]
    public void Files_of_downloads_that_a_killed_process_left_are_removed_and_nothing_else()
    {
        using var directory = new TemporaryDirectory();
        foreach (string name in new[] { "download-0123456789abcdef.tmp", "download-notes.txt", "superblock" })
            File.WriteAllText(Path.Combine(directory.Path, name), "x");

        SnapshotDownload.RemoveLeftovers(directory.Path);

        Assert.Equal(["download-notes.txt", "superblock"], Directory.GetFiles(directory.Path).Select(Path.GetFileName).Order());
        SnapshotDownload.RemoveLeftovers(Path.Combine(directory.Path, "missing"));
    }
}
