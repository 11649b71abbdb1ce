using Conclave.Extensions.Tests;

namespace Conclave.Cli.Tests.Commands;

public sealed class LockCommandTests(SharedEtcd etcd) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-cli-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_program_runs_under_the_lock_and_knows_its_token()
    {
        Shell shell = etcd.Shell;
        Answer answer = await shell.RunAsync("lock", "cli/lock/a", "--", "/bin/sh", "-c", $"echo $CONCLAVE_LOCK_KEY $CONCLAVE_FENCING_TOKEN $ETCD_LOCK_KEY $ETCD_LOCK_REV > {_directory}/said; exit 7");
        Assert.Equal(7, answer.Code);
        string[] said = (await File.ReadAllTextAsync($"{_directory}/said", TestContext.Current.CancellationToken)).Trim().Split(' ');
        Assert.Equal((said[0], said[1]), (said[2], said[3]));
        Assert.StartsWith("cli/lock/a/", said[0], StringComparison.Ordinal);
        Assert.True(long.Parse(said[1], System.Globalization.CultureInfo.InvariantCulture) > 1);
        Assert.Equal(1, (await shell.RunAsync("get", said[0])).Code);   // given back
    }

    [Fact]
    public async Task A_lock_that_is_held_is_a_clean_no_for_who_does_not_wait()
    {
        Shell shell = etcd.Shell;
        await using Running holder = shell.Start("lock", "cli/lock/b");
        string key = await holder.LineAsync("cli/lock/b/");
        Assert.Matches("^fencing token [0-9]+$", await holder.LineAsync("fencing token"));
        Assert.Equal(1, (await shell.RunAsync("lock", "cli/lock/b", "--try", "--", "true")).Code);
        Assert.Equal(1, (await shell.RunAsync("lock", "cli/lock/b", "--timeout", "200ms", "--", "true")).Code);
        Assert.Equal(0, await holder.StopAsync());
        Assert.Equal(1, (await shell.RunAsync("get", key)).Code);
        Assert.Equal(0, (await shell.RunAsync("lock", "cli/lock/b", "--try", "--", "true")).Code);
    }

    [Fact]
    public async Task A_program_whose_lock_is_lost_is_ended()
    {
        Shell shell = etcd.Shell;
        Running holder = shell.Start("lock", "cli/lock/c", "--ttl", "2s", "--", "/bin/sh", "-c", $"trap 'echo ended > {_directory}/ended; exit 0' TERM; touch {_directory}/listens; while :; do sleep 0.05; done");
        string key = await LineAsync(shell, "cli/lock/c/");
        await RunningNode.EventuallyAsync("the program listens to signals", () => File.Exists($"{_directory}/listens"));
        await shell.RunAsync("lease", "revoke", key[(key.LastIndexOf('/') + 1)..]);
        Assert.Equal(75, await holder.EndAsync());
        Assert.Contains("about to be lost", holder.Error, StringComparison.Ordinal);
        Assert.True(File.Exists($"{_directory}/ended"));
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_said_to_be_so()
    {
        Assert.Equal(127, (await etcd.Shell.RunAsync("lock", "cli/lock/d", "--", "/no/such/program")).Code);
    }

    [Fact]
    public async Task Who_listens_sees_who_leads()
    {
        Shell shell = etcd.Shell;
        await using Running listener = shell.Start("elect", "cli/elect", "--listen");
        await listener.LineAsync("nobody leads");
        Running leader = shell.Start("elect", "cli/elect", "--value", "me");
        Assert.EndsWith("\tme", await listener.LineAsync("cli/elect/"), StringComparison.Ordinal);
        await leader.LineAsync("fencing token");   // the key is seen before its owner knows that it leads
        Assert.Equal(0, await leader.StopAsync());
        await listener.LineAsync("nobody leads");
        Assert.Equal(0, (await shell.RunAsync("elect", "cli/elect", "--", "true")).Code);
        Assert.Equal(2, (await shell.RunAsync("elect", "cli/elect", "--listen", "--", "true")).Code);
        await leader.DisposeAsync();
    }

    private static async Task<string> LineAsync(Shell shell, string prefix)
    {
        string line = "";
        for (long start = Environment.TickCount64; line.Length == 0; await Task.Delay(20, TestContext.Current.CancellationToken))
        {
            line = (await shell.RunAsync("get", "--prefix", prefix, "--keys-only")).Out.Trim();
            Assert.True(Environment.TickCount64 - start < 60_000, $"nothing under {prefix}");
        }

        return line;
    }
}
