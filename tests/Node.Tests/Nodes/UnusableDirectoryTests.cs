using Conclave.Node.Options;
using Conclave.Storage;

namespace Conclave.Node.Tests.Nodes;

/// <summary>Data directories that cannot be meant, or not be used.</summary>
public sealed class UnusableDirectoryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    /// <summary>Whoever gives the program another name in a unit file starts it there. It made an empty store beside the keys.</summary>
    [Fact]
    public async Task The_directory_of_an_etcd_is_refused_and_left_as_it_is()
    {
        string member = Path.Combine(_directory.Path, "member");
        Directory.CreateDirectory(Path.Combine(member, "snap"));
        Directory.CreateDirectory(Path.Combine(member, "wal"));
        await File.WriteAllTextAsync(Path.Combine(member, "wal", "0000000000000000-0000000000000000.wal"), "x", TestContext.Current.CancellationToken);

        StorageException refused = await Assert.ThrowsAsync<StorageException>(() => TestNode.StartAsync(TestNode.Alone(_directory)));

        Assert.Equal(StorageErrorKind.WrongFormat, refused.Kind);
        Assert.Contains("holds the data of an etcd", refused.Message);
        Assert.Empty(Directory.GetFiles(member));
    }

    /// <summary>It may keep its log elsewhere (--wal-dir); its keys are here.</summary>
    [Fact]
    public async Task The_directory_of_an_etcd_with_its_log_elsewhere_is_refused_and_left_as_it_is()
    {
        string member = Path.Combine(_directory.Path, "member");
        Directory.CreateDirectory(Path.Combine(member, "snap"));
        await File.WriteAllTextAsync(Path.Combine(member, "snap", "db"), "x", TestContext.Current.CancellationToken);

        StorageException refused = await Assert.ThrowsAsync<StorageException>(() => TestNode.StartAsync(TestNode.Alone(_directory)));

        Assert.Equal(StorageErrorKind.WrongFormat, refused.Kind);
        Assert.Contains("holds the data of an etcd", refused.Message);
        Assert.Empty(Directory.GetFiles(member));
    }

    /// <summary>Mostly one that was used as another user once.</summary>
    [Fact]
    public async Task A_directory_that_may_not_be_read_is_named_with_what_to_do()
    {
        NodeOptions options = TestNode.Alone(_directory);

        StorageException refused = await Assert.ThrowsAsync<StorageException>(() => TestNode.StartAsync(options, new ForbiddenFileSystem()));

        Assert.Equal(StorageErrorKind.NotWritable, refused.Kind);
        Assert.StartsWith(Path.Combine(options.DataDir, "member"), refused.Message, StringComparison.Ordinal);
        Assert.Contains("chown", refused.Message);
    }

    /// <summary>The tests may run as root, who may read everything.</summary>
    private sealed class ForbiddenFileSystem : IFileSystem
    {
        public void CreateDirectory(string directory) => throw Denied(directory);

        public IReadOnlyList<string> List(string directory) => throw Denied(directory);

        public IStorageFile Open(string path) => throw Denied(path);

        public IStorageFile Create(string path) => throw Denied(path);

        public void Rename(string source, string target) => throw Denied(target);

        public void Delete(string path) => throw Denied(path);

        public void SyncDirectory(string directory) => throw Denied(directory);

        public IDisposable Lock(string path) => throw Denied(path);

        private static FileSystemException Denied(string path) => new(FileError.AccessDenied, path, "access denied");
    }
}
