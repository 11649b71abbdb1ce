using System.Text;
using Conclave.Agent.Tests.Simulated;

namespace Conclave.Agent.Tests.Disk;

public sealed class PosixFilesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-agent-").FullName;
    private readonly PosixFiles _files = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_new_file_has_its_mode_and_owner_and_replaces_the_old_one_whole()
    {
        string path = Path.Combine(_directory, "f"), draft = Path.Combine(_directory, "g");
        File.WriteAllText(path, "old");
        FileStat own = _files.Look(path)!.Value;
        _files.Write(draft, "new"u8, UnixFileMode.UserRead | UnixFileMode.OtherRead, new FileOwner(own.User, own.Group));
        _files.Rename(draft, path);
        _files.SyncDirectory(_directory);
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal(new FileStat(FileKind.File, UnixFileMode.UserRead | UnixFileMode.OtherRead, own.User, own.Group), _files.Look(path));
        Assert.Equal(["f"], _files.List(_directory));
    }

    [Fact]
    public void What_is_not_there_is_nothing()
    {
        Assert.Null(_files.Read(Path.Combine(_directory, "missing", "f")));
        Assert.Null(_files.Look(Path.Combine(_directory, "missing", "f")));
        _files.Delete(Path.Combine(_directory, "missing", "f"));
    }

    [Fact]
    public void A_link_in_the_place_of_the_draft_is_not_followed()
    {
        string draft = Path.Combine(_directory, "draft"), victim = Path.Combine(_directory, "victim");
        File.WriteAllText(victim, "mine");
        File.CreateSymbolicLink(draft, victim);
        Assert.Equal(FileKind.Link, _files.Look(draft)!.Value.Kind);
        _files.Write(draft, "new"u8, UnixFileMode.UserRead, default);
        Assert.Equal(("mine", FileKind.File), (File.ReadAllText(victim), _files.Look(draft)!.Value.Kind));
    }

    [Fact]
    public void A_second_one_does_not_get_the_lock()
    {
        string path = Path.Combine(_directory, "LOCK");
        using (IDisposable? held = PosixFiles.Lock(path))
        {
            Assert.NotNull(held);
            Assert.Null(PosixFiles.Lock(path));
        }

        PosixFiles.Lock(path)!.Dispose();
    }

    [Theory]
    [InlineData("/proc/conclave/f", "Cannot write /proc/conclave/f: there is no directory /proc/conclave")]
    [InlineData("/proc/sys/kernel/conclave", "Cannot write /proc/sys/kernel/conclave")]
    public void Where_nothing_can_be_written_the_failure_names_the_file(string path, string message)
    {
        FileFailure failure = Assert.Throws<FileFailure>(() => _files.Write(path, "x"u8, UnixFileMode.UserRead, default));
        Assert.StartsWith(message, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_or_a_directory_in_the_place_of_the_file_is_refused_and_left_alone()
    {
        string path = Path.Combine(_directory, "f");
        File.WriteAllText(Path.Combine(_directory, "elsewhere"), "theirs");
        File.CreateSymbolicLink(path, Path.Combine(_directory, "elsewhere"));
        AgentOptions options = new() { StateDirectory = _directory, Files = [new FileOptions { Name = "f", Document = "d", Path = path, Group = "g" }] };
        var disk = new DiskEffects(options, _files, new StateDirectory(_files, _directory), _ => default);
        var stage = new StageFiles("g", 1, [new FileContent("f", path, [.. "new"u8])]);
        Assert.Contains("is a symbolic link", disk.Run(stage)!.Failure, StringComparison.Ordinal);
        File.Delete(path);
        Directory.CreateDirectory(path);
        Assert.Contains("is not a file", disk.Run(stage)!.Failure, StringComparison.Ordinal);
        Assert.False(File.Exists(DiskEffects.StagedPath(path)));
    }

    [Fact]
    public void What_is_kept_comes_back_and_damage_counts_as_nothing()
    {
        var version = new GroupVersion { Documents = [Documents.Document("d", 7, "a=1", "p!=\"secret\"")], Files = [new FileContent("f", "/f", [.. Encoding.UTF8.GetBytes("text")])] };
        byte[] bytes = version.ToBytes();
        GroupVersion back = GroupVersion.FromBytes(bytes)!;
        Assert.Equal((version.Id, 7, "secret"), (back.Id, back.Documents[0].Release, Assert.Single(back.Documents[0].Secrets)));
        Assert.True(back.Documents[0].SameContent(version.Documents[0]));
        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] damaged = [.. bytes];
            damaged[i] ^= 1;
            Assert.Null(GroupVersion.FromBytes(damaged));
        }

        Journal journal = new() { Step = JournalStep.Restore, Action = ActionKind.Live, Target = "t", Refused = "r", RefusedState = "failed", RefusedMessage = "m \"", RefusedDocuments = [new DocumentRef("d", 3, "ab")], IsRestartPending = true };
        Assert.Equal(journal.ToString(), Journal.FromBytes(journal.ToBytes())!.ToString());
        Assert.Null(Journal.FromBytes("{}"u8.ToArray()));
    }
}
