using System.Net;
using System.Text.Json;
using Conclave.Node.Options;

namespace Conclave.Node.Tests.Nodes;

/// <summary>A member whose data directory is gone has forgotten what it acknowledged. It must not elect anybody.</summary>
public sealed class LostDiskTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestNode?[] _nodes = new TestNode?[3];
    private NodeOptions[] _options = [];

    public async ValueTask InitializeAsync()
    {
        _options = TestNode.Cluster(3, _directory);
        for (int i = 0; i < 3; i++) await StartAsync(i);
        await AllKnowEachOtherAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TestNode? node in _nodes)
        {
            if (node is not null) await node.DisposeAsync();
        }

        _directory.Dispose();
    }

    [Fact]
    public async Task An_acknowledged_write_outlives_the_loss_of_one_of_the_two_disks_that_hold_it()
    {
        const int Keeps = 0, Loses = 1, WasAway = 2;
        await StopAsync(WasAway);
        await Node(Keeps).PutAsync("a", "acknowledged");
        await StopAsync(Keeps);
        await StopAsync(Loses);
        Directory.Delete(_options[Loses].DataDir, recursive: true);

        await StartAsync(Loses);
        await StartAsync(WasAway);
        // The two would be a majority. Neither may serve: nobody among them has the write.
        HttpStatusCode[] answers = await Task.WhenAll(ReadStatusAsync(Loses), ReadStatusAsync(WasAway));
        Assert.DoesNotContain(HttpStatusCode.OK, answers);

        await StartAsync(Keeps);
        Assert.Equal("acknowledged", await Node(WasAway).GetAsync("a"));
    }

    [Fact]
    public async Task A_member_that_lost_its_disk_is_refused_until_the_others_are_told_to_forget_it()
    {
        const int Loses = 1;
        await Node(0).PutAsync("a", "1");
        await RestartWithMarksAsync();   // what it had is on record, too
        await StopAsync(Loses);
        Directory.Delete(_options[Loses].DataDir, recursive: true);
        await StartAsync(Loses);

        await Node(0).PutAsync("a", "2");
        Assert.Equal("2", await Node(2).GetAsync("a"));
        Assert.NotEqual(HttpStatusCode.OK, await ReadStatusAsync(Loses));
        string log = TestContext.Current.TestOutputHelper!.Output;
        foreach (string other in new[] { "n1", "n3" })
            Assert.Contains(log.Split('\n'), line => line.StartsWith($"{other} Warning", StringComparison.Ordinal) && line.Contains("conclave member replace n2"));
        Assert.DoesNotContain("This is a bug", log);

        foreach (int other in new[] { 0, 2 })
        {
            await StopAsync(other);
            await StartAsync(other, "n2");
            Assert.Equal("2", await Node(other).GetAsync("a"));   // in sync before the next one goes
        }

        Assert.Equal("2", await Node(Loses).GetAsync("a"));
        await StopAsync(0);
        await Node(Loses).PutAsync("a", "3");
        Assert.Equal("3", await Node(2).GetAsync("a"));
    }

    [Fact]
    public async Task A_second_process_with_a_copy_of_the_directory_is_refused_everywhere()
    {
        await Node(0).PutAsync("a", "1");
        // A follower: it has nothing to say to the other follower, which must know all the same that it lives.
        int leader = await LeaderAsync(), copied = (leader + 1) % 3;
        string[] others = [.. Enumerable.Range(0, 3).Where(i => i != copied).Select(i => _options[i].Name)];
        string copy = Path.Combine(_directory.Path, "copy");
        CopyDirectory(_options[copied].DataDir, copy);

        // The same member by its flags, at other ports of the same machine.
        await using TestNode second = await TestNode.StartAsync(_options[copied] with
        {
            DataDir = copy,
            ListenClientUrls = [TestNode.FreeUrl()],
            ListenPeerUrls = [TestNode.FreeUrl()],
            InitialAdvertisePeerUrls = _options[copied].ListenPeerUrls,
        });
        await TestNode.EventuallyAsync("both others say so", () => Task.FromResult(others.All(other => Said(other, "is connected and alive in another process"))));

        Assert.NotEqual(HttpStatusCode.OK, (await second.PostAsync("/v3/kv/range", new { key = TestNode.Base64("a") })).Status);
        await Node(copied).PutAsync("a", "2");   // the first one is not disturbed
        Assert.Equal("2", await Node(leader).GetAsync("a"));
    }

    [Fact]
    public async Task A_restored_backup_of_the_directory_is_refused_everywhere()
    {
        const int Restored = 1;
        await Node(0).PutAsync("a", "1");
        await StopAsync(Restored);
        string backup = Path.Combine(_directory.Path, "backup");
        CopyDirectory(_options[Restored].DataDir, backup);
        await StartAsync(Restored);
        await Node(Restored).PutAsync("a", "acknowledged by the later start");
        await StopAsync(Restored);
        Directory.Delete(_options[Restored].DataDir, recursive: true);
        Directory.Move(backup, _options[Restored].DataDir);

        await StartAsync(Restored);
        await TestNode.EventuallyAsync("both others say so", () => Task.FromResult(new[] { "n1", "n3" }.All(other => Said(other, "comes with an earlier state of its data directory"))));

        Assert.NotEqual(HttpStatusCode.OK, await ReadStatusAsync(Restored));
        Assert.Equal("acknowledged by the later start", await Node(0).GetAsync("a"));
    }

    [Fact]
    public async Task A_member_whose_log_is_damaged_catches_up_from_the_others()
    {
        const int Damaged = 1;
        for (int i = 0; i < 50; i++) await Node(0).PutAsync($"k{i}", new string('x', 4_000));
        await TestNode.EventuallyAsync("all have it", async () => await Node(Damaged).GetAsync("k49") is not null);
        await StopAsync(Damaged);
        string log = Directory.GetFiles(Path.Combine(_options[Damaged].DataDir, "member"), "wal-*").Order(StringComparer.Ordinal).First();
        using (FileStream file = File.OpenWrite(log))
        {
            file.Position = 100_000;   // in the middle of what it acknowledged
            file.Write(new byte[4_096]);
        }

        await StartAsync(Damaged);

        await TestNode.EventuallyAsync("it has everything again", async () => (await ReadStatusAsync(Damaged)) == HttpStatusCode.OK && await Node(Damaged).GetAsync("k49") is not null);
        await TestNode.EventuallyAsync("it says that nothing is missing any more", async () => (await Node(Damaged).GetTextAsync("/metrics")).Contains("conclave_log_lost_end 0\n", StringComparison.Ordinal));
        Assert.True(Said("n2", "The log lost its end"));
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(_options[Damaged].DataDir, "member", "quarantine")));
        await Node(Damaged).PutAsync("a", "2");
        Assert.Equal("2", await Node(0).GetAsync("a"));
    }

    private async Task<int> LeaderAsync()
    {
        int leader = -1;
        await TestNode.EventuallyAsync("there is a leader", async () =>
        {
            for (int i = 0; i < 3; i++)
            {
                (_, JsonElement status) = await Node(i).PostAsync("/v3/maintenance/status", new { });
                if (status.TryGetProperty("leader", out JsonElement id) && id.GetString() == status.GetProperty("header").GetProperty("member_id").GetString()) leader = i;
            }

            return leader >= 0;
        });
        return leader;
    }

    private static bool Said(string name, string what) =>
        TestContext.Current.TestOutputHelper!.Output.Split('\n').Any(line => line.StartsWith($"{name} Warning", StringComparison.Ordinal) && line.Contains(what));

    private static void CopyDirectory(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (string directory in Directory.GetDirectories(source, "*", SearchOption.AllDirectories)) Directory.CreateDirectory(Path.Combine(target, Path.GetRelativePath(source, directory)));
        foreach (string file in Directory.GetFiles(source, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) != "LOCK") File.Copy(file, Path.Combine(target, Path.GetRelativePath(source, file)));
        }
    }

    private TestNode Node(int i) => _nodes[i] ?? throw new InvalidOperationException($"Node {i} is stopped.");

    private async Task StartAsync(int i, params string[] forget) => _nodes[i] = await TestNode.StartAsync(_options[i] with { ForgetMemberDisk = forget });

    private async Task StopAsync(int i)
    {
        await Node(i).DisposeAsync();
        _nodes[i] = null;
    }

    private async Task<HttpStatusCode> ReadStatusAsync(int i) => (await Node(i).PostAsync("/v3/kv/range", new { key = TestNode.Base64("a") })).Status;

    /// <summary>Two members that never met do not protect each other, so this is where the tests begin.</summary>
    private async Task AllKnowEachOtherAsync()
    {
        for (int tries = 0; tries < 3_000; tries++)
        {
            await Node(tries % 3).GetAsync("a");
            if (_options.All(KnowsBothOthers)) return;
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Fail("The members did not connect to each other.");
    }

    private async Task RestartWithMarksAsync()
    {
        _options = [.. _options.Select(o => o with { StateMarkInterval = TimeSpan.FromSeconds(1) })];
        for (int i = 0; i < 3; i++)
        {
            await StopAsync(i);
            await StartAsync(i);
        }

        for (int i = 0; i < 3; i++)
        {
            long start = Environment.TickCount64;
            while ((await Node(i).GetTextAsync("/metrics")).Contains("conclave_state_mark_index 0\n", StringComparison.Ordinal))
            {
                Assert.True(Environment.TickCount64 - start < 60_000, "No mark was made.");
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }
    }

    private static bool KnowsBothOthers(NodeOptions options)
    {
        string file = Path.Combine(options.DataDir, "member", "peers");
        return File.Exists(file) && File.ReadAllLines(file).Length == 4;   // heading, two members, checksum
    }
}
