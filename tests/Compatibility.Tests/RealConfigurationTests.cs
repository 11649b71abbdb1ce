using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Compatibility.Tests;

/// <summary>A real configuration goes in through one member and comes out of the others, through etcdctl, while the leader dies.</summary>
public sealed class RealConfigurationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_thousand_options_survive_the_death_of_the_leader_and_every_watcher_sees_each_of_them()
    {
        SortedDictionary<string, string> options = NovaOptions.Load();
        Requires.Etcdctl();
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = Clusters.SubjectKind }, cancellationToken);
        await cluster.WaitUntilAllServeAsync(Patience, cancellationToken);
        int leader = await cluster.WaitForLeaderAsync(Patience, cancellationToken);
        (int writing, int watching) = ((leader + 1) % 3, (leader + 2) % 3);
        Target target = await Target.BeginAsync(cluster, NovaOptions.Prefix, cancellationToken);
        var etcdctl = new Etcdctl(target);

        using Process watch = etcdctl.Start(cluster.Members[watching], "watch", NovaOptions.Prefix, "--prefix", $"--rev={target.FirstRevision + 1}", "-w", "json");
        try
        {
            Task<Dictionary<string, string>> watched = WatchAsync(watch, options.Count, cancellationToken);
            await LoadAsync(cluster, writing, options.Take(options.Count / 2), cancellationToken);
            cluster.Members[leader].Kill();
            await LoadAsync(cluster, writing, options.Skip(options.Count / 2), cancellationToken);
            AssertSame(options, await ReadAsync(etcdctl, cluster.Members[watching], cancellationToken), "read from a survivor");

            cluster.Members[leader].Start();
            await cluster.WaitUntilAllServeAsync(Patience, cancellationToken);
            foreach (ServerProcess member in cluster.Members)
                AssertSame(options, await ReadAsync(etcdctl, member, cancellationToken), $"read from {member} in the end");
            AssertSame(options, await watched.WaitAsync(Patience, cancellationToken), "watched");
        }
        catch
        {
            cluster.KeepFiles = true;
            throw;
        }
        finally
        {
            watch.Kill();
            await watch.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <summary>A put whose outcome is unknown is repeated: the same value again changes nothing that matters.</summary>
    private static async Task LoadAsync(ProcessCluster cluster, int member, IEnumerable<KeyValuePair<string, string>> options, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        foreach ((string key, string value) in options)
        {
            RpcResult<PutResponse> put;
            do
            {
                put = await cluster.Clients[member].PutAsync(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value), TimeSpan.FromSeconds(1), cancellationToken);
                if (Stopwatch.GetElapsedTime(start) > Patience)
                    throw cluster.Failure($"{key} could not be written in {Patience.TotalSeconds:0} s: {put}");
            }
            while (!put.Succeeded);
        }
    }

    private static async Task<Dictionary<string, string>> ReadAsync(Etcdctl etcdctl, ServerProcess member, CancellationToken cancellationToken)
    {
        Programs.Ended got = await etcdctl.ExecuteAsync(member, null, cancellationToken, "get", NovaOptions.Prefix, "--prefix", "-w", "json");
        Assert.True(got.ExitCode == 0, got.Error);
        using JsonDocument answer = JsonDocument.Parse(got.Output);
        return answer.RootElement.GetProperty("kvs").EnumerateArray().ToDictionary(each => NovaOptions.Decode(each.GetProperty("key")), each => NovaOptions.Decode(each.GetProperty("value")));
    }

    /// <summary>Reads events until every key was seen; their revisions must never fall.</summary>
    private static async Task<Dictionary<string, string>> WatchAsync(Process watch, int keys, CancellationToken cancellationToken)
    {
        Dictionary<string, string> seen = [];
        long last = 0;
        while (seen.Count < keys && await watch.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            using JsonDocument message = JsonDocument.Parse(line);
            foreach (JsonElement each in message.RootElement.GetProperty("Events").EnumerateArray().Select(each => each.GetProperty("kv")))
            {
                long revision = each.GetProperty("mod_revision").GetInt64();
                Assert.True(revision > last, $"An event of revision {revision} came after one of {last}.");
                (last, seen[NovaOptions.Decode(each.GetProperty("key"))]) = (revision, NovaOptions.Decode(each.GetProperty("value")));
            }
        }
        return seen;
    }

    private static void AssertSame(SortedDictionary<string, string> expected, Dictionary<string, string> actual, string how)
    {
        string[] wrong = [.. expected.Where(option => actual.GetValueOrDefault(option.Key) != option.Value).Select(option => $"{option.Key}: wanted {option.Value}, got {actual.GetValueOrDefault(option.Key) ?? "nothing"}")];
        Assert.True(wrong.Length == 0 && actual.Count == expected.Count, $"{how}: {actual.Count} keys instead of {expected.Count}, {wrong.Length} wrong:\n{string.Join('\n', wrong.Take(10))}");
    }
}
