using System.Text.Json;
using Conclave.Client.Tests;

namespace Conclave.Cli.Tests.Commands;

public sealed class MaintenanceCommandTests(SharedEtcd etcd) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-cli-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_backup_is_whole_or_not_there_and_never_overwritten()
    {
        Shell shell = etcd.Shell;
        await shell.RunAsync("put", "cli/backup", "1");
        string path = Path.Combine(_directory, "b");
        JsonElement said = JsonDocument.Parse((await shell.RunAsync("backup", path, "-o", "json")).Out).RootElement;
        byte[] written = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(written.Length, said.GetProperty("bytes").GetInt64());
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(written.AsSpan(..^32))), said.GetProperty("sha256").GetString());

        Answer again = await shell.RunAsync("backup", path);
        Assert.Equal(4, again.Code);
        Assert.Equal(written, await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));
        Assert.Equal(6, (await shell.RunAsync("backup", Path.Combine(_directory, "no", "where"))).Code);
        Assert.Equal(6, (await new Shell("127.0.0.1:1").RunAsync("backup", Path.Combine(_directory, "c"))).Code);
        Assert.Equal([path], Directory.GetFileSystemEntries(_directory));
    }

    [Fact]
    public async Task Alarms_are_listed_and_taken_back()
    {
        EtcdServer.SkipUnlessInstalled();
        await using EtcdServer server = await EtcdServer.StartAsync(Shell.Ports);
        Shell shell = new(server.Endpoint);
        Assert.Equal(new Answer(0, "", ""), await shell.RunAsync("alarm", "list"));
        using HttpClient http = new();
        using StringContent activate = new("""{"action":"ACTIVATE","memberID":"26","alarm":"NOSPACE"}""");
        (await http.PostAsync($"{server.Endpoint}/v3/maintenance/alarm", activate, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        Assert.Equal("member 1a\tNOSPACE\n", (await shell.RunAsync("alarm", "list")).Out);
        Assert.Equal(6, (await shell.RunAsync("put", "a", "b")).Code);
        Assert.Equal("member 1a\tNOSPACE\n", (await shell.RunAsync("alarm", "disarm")).Out);
        Assert.Equal("{\"alarms\":[]}\n", (await shell.RunAsync("alarm", "list", "-o", "json")).Out);
    }

    [Fact]
    public async Task History_is_compacted_once_members_are_defragmented_and_hashed()
    {
        EtcdServer.SkipUnlessInstalled();
        await using EtcdServer server = await EtcdServer.StartAsync(Shell.Ports);
        Shell shell = new(server.Endpoint);
        for (int i = 0; i < 4; i++) await shell.RunAsync("put", "a", $"{i}");
        Assert.Equal("compacted revision 3\n", (await shell.RunAsync("compact", "3", "--physical")).Out);
        Assert.Equal(3, (await shell.RunAsync("compact", "3")).Code);
        Assert.Equal(3, (await shell.RunAsync("compact", "99")).Code);
        Assert.EndsWith("\tdefragmented\n", (await shell.RunAsync("defrag")).Out, StringComparison.Ordinal);
        Assert.Matches("^127.0.0.1:[0-9]+\t[0-9]+\trevision 5\tcompacted 3\n$", (await shell.RunAsync("hashkv")).Out);
        Assert.Equal(6, (await new Shell($"{server.Endpoint},127.0.0.1:1").RunAsync("defrag")).Code);
    }

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task Restoring_is_the_nodes_work_and_its_refusals_are_passed_on()
    {
        string node = Path.Combine(_directory, "node");
        await File.WriteAllTextAsync(node, "#!/bin/sh\necho \"$@\"\necho 'conclave-node: no' >&2\nexit 65\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(node, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Answer answer = await new Shell().With("CONCLAVE_NODE", node).RunAsync("restore", "file", "--name", "a", "--data-dir", "d", "--initial-cluster", "a=http://b:1");
        Assert.Equal(new Answer(3, "restore file --data-dir d --name a --initial-cluster a=http://b:1\n", "conclave: no\n"), answer);
        Assert.Equal(6, (await new Shell().With("CONCLAVE_NODE", "/no/such/node").RunAsync("restore", "file")).Code);
    }
}
