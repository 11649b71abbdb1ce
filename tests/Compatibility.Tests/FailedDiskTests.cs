using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Compatibility.Tests;

/// <summary>A server whose disk fails ends by itself, says so by its exit code, and has everything that it acknowledged when it is started again.</summary>
public sealed class FailedDiskTests
{
    private const int ExitCodeDisk = 74;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_write_of_the_log_that_fails_ends_the_process_with_exit_code_74()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = ServerKind.Conclave, Members = 1 }, Cancellation);
        ServerProcess server = cluster.Members[0];
        server.FailWritesBehind(1 << 20);

        int acknowledged = 0;
        byte[] value = new byte[100_000];
        long start = Environment.TickCount64;
        while (server.IsRunning && Environment.TickCount64 - start < Patience.TotalMilliseconds)
        {
            RpcResult<PutResponse> answer = await cluster.Clients[0].PutAsync(KeyOf(acknowledged), value, Patience, Cancellation);
            if (answer.Succeeded) acknowledged++;
        }

        Assert.True(server.ExitCode == ExitCodeDisk, $"{acknowledged} writes, exit code {server.ExitCode}: {server.LogTail()}");
        Assert.InRange(acknowledged, 1, 11);   // as many as fit
        Assert.Contains(".log", server.LogTail(), StringComparison.Ordinal);
        Assert.Contains("check the disk", server.LogTail(), StringComparison.Ordinal);

        server.Kill();   // forgets how it ended
        server.Start();
        await cluster.WaitUntilAllServeAsync(Patience, Cancellation);
        for (int i = 0; i < acknowledged; i++)
            Assert.Equal(1, (await cluster.Clients[0].RangeAsync(new RangeRequest { Key = Google.Protobuf.ByteString.CopyFrom(KeyOf(i)) }, Patience, Cancellation)).Required.Count);
    }

    private static byte[] KeyOf(int number) => [(byte)'k', (byte)number];
}
