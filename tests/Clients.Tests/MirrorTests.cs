using System.Diagnostics;
using Conclave.Clients.Tests.Support;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;
using Google.Protobuf;

namespace Conclave.Clients.Tests;

/// <summary><c>etcdctl make-mirror</c> copies a prefix and then follows it: from Conclave to etcd and back, which is how one moves between them without a stop.</summary>
public sealed class MirrorTests(Clusters clusters)
{
    /// <summary>More than one page of the mirror's first copy, which are 1000 keys each.</summary>
    private const int Keys = 1_100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task From_Conclave_to_etcd() => MirrorAsync("mirror-out/", fromConclave: true);

    [Fact]
    public Task From_etcd_to_Conclave() => MirrorAsync("mirror-in/", fromConclave: false);

    private async Task MirrorAsync(string prefix, bool fromConclave)
    {
        string etcdctl = Requires.Etcdctl();
        Assert.SkipUnless(Clusters.HasEtcd, "etcd is not installed. Run: apt-get install etcd-server");
        ProcessCluster conclave = await clusters.SubjectAsync(), etcd = await clusters.EtcdAsync();
        (ProcessCluster source, ProcessCluster target) = fromConclave ? (conclave, etcd) : (etcd, conclave);
        await FillAsync(source, prefix);
        // Several sources may be named, but one target only.
        Process process = Programs.Start(etcdctl, ["--endpoints", source.Endpoints, "make-mirror", $"--prefix={prefix}", "--dest-prefix=copy/" + prefix, $"127.0.0.1:{target.Members[1].ClientPort}"], new Dictionary<string, string> { ["ETCDCTL_API"] = "3" });
        await using var mirror = new Running(process);
        await WaitUntilEqualAsync(source, target, prefix, Keys);

        // Changes while it follows: overwritten, deleted, a range deleted, and several keys in one revision.
        await PutAsync(source, prefix + "new", "1");
        await PutAsync(source, prefix + "00001", "changed");
        await DeleteAsync(source, prefix + "00002", null);
        await DeleteAsync(source, prefix + "001", prefix + "002");
        await TransactAsync(source, prefix);
        await WaitUntilEqualAsync(source, target, prefix, Keys + 1 - 1 - 100 + 2);
    }

    private static async Task FillAsync(ProcessCluster cluster, string prefix)
    {
        var write = new Wire.Etcd.Etcdserverpb.TxnRequest();
        for (int i = 0; i < Keys; i++)
        {
            write.Success.Add(new Wire.Etcd.Etcdserverpb.RequestOp { RequestPut = new() { Key = Bytes($"{prefix}{i:00000}"), Value = Bytes($"value {i}") } });
            if (write.Success.Count < 100 && i < Keys - 1)
                continue;
            _ = (await cluster.Clients[0].TxnAsync(write, Patience, Cancellation)).Required;
            write.Success.Clear();
        }
    }

    private static async Task TransactAsync(ProcessCluster cluster, string prefix)
    {
        var write = new Wire.Etcd.Etcdserverpb.TxnRequest();
        foreach (string name in (string[])["x", "y"])
            write.Success.Add(new Wire.Etcd.Etcdserverpb.RequestOp { RequestPut = new() { Key = Bytes(prefix + name), Value = Bytes("together") } });
        _ = (await cluster.Clients[1].TxnAsync(write, Patience, Cancellation)).Required;
    }

    private static async Task PutAsync(ProcessCluster cluster, string key, string value) =>
        _ = (await cluster.Clients[0].PutAsync(Bytes(key).ToByteArray(), Bytes(value).ToByteArray(), Patience, Cancellation)).Required;

    private static async Task DeleteAsync(ProcessCluster cluster, string key, string? end)
    {
        var delete = new Wire.Etcd.Etcdserverpb.TxnRequest();
        delete.Success.Add(new Wire.Etcd.Etcdserverpb.RequestOp { RequestDeleteRange = new() { Key = Bytes(key), RangeEnd = end is null ? ByteString.Empty : Bytes(end) } });
        _ = (await cluster.Clients[0].TxnAsync(delete, Patience, Cancellation)).Required;
    }

    private static async Task WaitUntilEqualAsync(ProcessCluster source, ProcessCluster target, string prefix, int count)
    {
        List<(string Key, string Value)> expected = await ReadAsync(source, prefix), copied = [];
        Assert.Equal(count, expected.Count);
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Patience; await Task.Delay(50, Cancellation))
        {
            copied = [.. (await ReadAsync(target, "copy/" + prefix)).Select(pair => (pair.Key["copy/".Length..], pair.Value))];
            if (copied.SequenceEqual(expected))
                return;
        }
        Assert.Equal(expected, copied);
    }

    private static async Task<List<(string Key, string Value)>> ReadAsync(ProcessCluster cluster, string prefix)
    {
        byte[] end = Bytes(prefix).ToByteArray();
        end[^1]++;
        var read = await cluster.Clients[0].RangeAsync(new() { Key = Bytes(prefix), RangeEnd = ByteString.CopyFrom(end) }, Patience, Cancellation);
        return [.. read.Required.Kvs.Select(kv => (kv.Key.ToStringUtf8(), kv.Value.ToStringUtf8()))];
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
