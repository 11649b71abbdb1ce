using System.Globalization;
using Conclave.Client;
using Conclave.Extensions.Tests;
using Conclave.Wire.V1;

namespace Conclave.Cli.Tests.Up;

/// <summary>The commands for rollouts, against a node of ours.</summary>
public sealed class RolloutCommandTests : IDisposable
{
    private const int FirstPort = 24010;   // as those of UpTests, which run beside these
    private static readonly string Endpoint = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{FirstPort}");
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-rollout-").FullName;
    private readonly Shell _shell = new Shell(Endpoint).With("CONCLAVE_NODE", "").With("USER", "amy");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_rollout_is_begun_followed_and_steered_with_exit_codes_that_say_how_it_went()
    {
        await using Running up = _shell.Start("up", "--nodes", "1", "--port", FirstPort.ToString(CultureInfo.InvariantCulture), "--data-dir", _directory);
        await up.LineAsync("ready");
        await RunAsync(0, "node", "set", "c1", "-m", "nodes");
        await RunAsync(0, "set", "nova", "k", "1", "-m", "first");

        Answer silent = await RunAsync(7, "set", "nova", "k", "2", "-m", "second", "--strategy", "1 node 1s, 100%", "--silence", "300ms", "--wait");
        Assert.Contains("it reaches its nodes in stages: conclave rollout status r3\n", silent.Out, StringComparison.Ordinal);
        Assert.Contains("paused: 1 of 1 nodes have not acknowledged it for 0.3 s: c1\n", silent.Out, StringComparison.Ordinal);
        Assert.Contains("E_ROLLOUT nova: release r3", (await RunAsync(4, "set", "nova", "k", "3", "-m", "third")).Error, StringComparison.Ordinal);
        Assert.Contains("r3\tpaused\t1/2\t0/1\tnova\tamy\t", (await RunAsync(0, "rollout", "list")).Out, StringComparison.Ordinal);
        // Where a busy machine needs longer than 0.3 s for two commands, the rollout is paused for the silence again before amy comes.
        await RunningNode.EventuallyAsync("amy has paused it", async () =>
        {
            await RunAsync(0, "rollout", "resume", "r3");
            await RunAsync(0, "rollout", "pause", "r3", "-m", "lunch");
            return (await RunAsync(7, "rollout", "status", "r3")).Out.Contains("paused: by amy: lunch\n", StringComparison.Ordinal);
        });
        await RunAsync(2, "rollout", "advance", "r3");
        Assert.Contains("> stage 2/2  100%", (await RunAsync(0, "rollout", "advance", "r3", "-m", "go")).Out, StringComparison.Ordinal);
        Assert.Contains("taken back by r4\n", (await RunAsync(0, "rollout", "abort", "r3", "-m", "no")).Out, StringComparison.Ordinal);
        await RunAsync(7, "rollout", "status", "3");
        await RunAsync(1, "rollout", "status", "r1");
        await RunAsync(2, "set", "nova", "k", "3", "-m", "third", "--strategy", "carnary");
        await RunAsync(2, "set", "nova", "k", "3", "-m", "third", "--wait");
        await RunAsync(3, "node", "set", "c2", "-m", "nodes", "--strategy", "canary");

        await SayAsync("applied");
        Assert.EndsWith("done  stage 2/2  100%  1/1 acknowledged\n", (await RunAsync(0, "set", "nova", "k", "4", "-m", "fourth", "--strategy", "1 node 100ms, 100%", "--wait")).Out, StringComparison.Ordinal);
        await SayAsync("failed");
        Assert.Contains("  failed c1: it broke\n", (await RunAsync(7, "rollback", "r2", "-m", "back", "--yes", "--strategy", "all-at-once", "--wait")).Out, StringComparison.Ordinal);
        Assert.Contains("configuration r7: 1 failed\nc1\tnova\tr1000\tr7\tfailed\t20", (await RunAsync(0, "status")).Out, StringComparison.Ordinal);   // and since when
        Assert.Contains("c1\tnova\tr1000\tr7\tfailed\t", (await RunAsync(1, "fleet")).Out, StringComparison.Ordinal);

        await SayAsync("applied");
        await RunAsync(0, "set", "nova", "k", "5", "-m", "fifth", "--strategy", "1 node 1h, 100%");
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!(await RunAsync(1, "rollout", "status", "r8")).Out.Contains("> stage 1/2  1 node 1h  1/1 acknowledged  bakes since ", StringComparison.Ordinal))
        {
            Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(60), "a node that has acknowledged it does not bake");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        await up.StopAsync();
    }

    private async Task<Answer> RunAsync(int code, params string[] arguments)
    {
        Answer answer = await _shell.RunAsync(arguments);
        Assert.True(answer.Code == code, $"{string.Join(' ', arguments)}: exit code {answer.Code} and not {code}\n{answer.Out}\n{answer.Error}");
        return answer;
    }

    /// <summary>What the agent of c1 says of every release to come: it says no hash, so its number counts.</summary>
    private static async Task SayAsync(string state)
    {
        await using var client = new ConclaveClient(Endpoint);
        await client.Configuration.AcknowledgeAsync(new AcknowledgeRequest { Node = "c1", States = { new DocumentState { Document = "nova", Release = 1000, State = state, Message = state == "failed" ? "it broke" : "" } } }, TestContext.Current.CancellationToken);
    }
}
