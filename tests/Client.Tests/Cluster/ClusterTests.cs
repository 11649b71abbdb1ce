using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Conclave.Client.Tests.Cluster;

public class ClusterTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reads_and_writes_go_on_at_another_member_when_one_dies()
    {
        EtcdServer[] servers = await EtcdServer.StartClusterAsync(3, SharedEtcd.Ports);
        try
        {
            await using ConclaveClient client = new([.. servers.Select(server => server.Endpoint)]);
            await client.PutAsync("k", "1", cancellationToken: Cancelled);

            await servers[0].KillAsync();
            KeyValue? read = await client.GetAsync("k", cancellationToken: Cancelled);
            await client.PutAsync("k", "2", cancellationToken: Cancelled);

            Assert.Equal("1", read!.Value);
            Assert.Equal("2", (await client.GetAsync("k", cancellationToken: Cancelled))!.Value);
            UnavailableException dead = await Assert.ThrowsAsync<UnavailableException>(async () => await client.Maintenance.StatusAsync(client.Endpoints[0], Cancelled));
            Assert.Equal(client.Endpoints[0], dead.Endpoint);

            await servers[1].KillAsync();
            await WithoutAMajority(client);
        }
        finally
        {
            foreach (EtcdServer server in servers) await server.DisposeAsync();
        }
    }

    private static async Task WithoutAMajority(ConclaveClient client)
    {
        await using ConclaveClient impatient = new(new ConclaveClientOptions
        {
            Endpoints = [client.Endpoints[2].Authority],
            RequestTimeout = TimeSpan.FromSeconds(1),
            RequireLeader = false,
        });

        await using ConclaveClient patient = new(new ConclaveClientOptions { Endpoints = [client.Endpoints[2].Authority], RequireLeader = false });
        KeyValue? local = await patient.GetAsync("k", new ReadOptions { Serializable = true }, Cancelled);
        Assert.Equal("2", local!.Value);
        await Assert.ThrowsAsync<UnavailableException>(async () => await impatient.GetAsync("k", cancellationToken: Cancelled));
        await Assert.ThrowsAsync<OutcomeUnknownException>(async () => await impatient.PutAsync("k", "3", cancellationToken: Cancelled));
    }

    [Fact]
    public async Task Without_any_server_a_call_gives_up_after_its_patience_and_says_that_nothing_happened()
    {
        await using ConclaveClient client = new(new ConclaveClientOptions
        {
            Endpoints = [$"127.0.0.1:{SharedEtcd.Ports.Take()}", $"127.0.0.1:{SharedEtcd.Ports.Take()}"],
            RetryPatience = TimeSpan.FromMilliseconds(300),
            RequestTimeout = TimeSpan.FromMinutes(10),
        });
        long started = Stopwatch.GetTimestamp();

        await Assert.ThrowsAsync<UnavailableException>(async () => await client.PutAsync("k", "1", cancellationToken: Cancelled));

        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_write_that_times_out_before_a_connection_was_made_certainly_did_not_happen()
    {
        // Full backlog: connections are neither accepted nor refused, as with a host that is gone.
        int port = SharedEtcd.Ports.Take();
        using Socket silent = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, port));
        silent.Listen(0);
        Socket[] fillers = [.. Enumerable.Range(0, 8).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))];
        foreach (Socket filler in fillers) _ = filler.ConnectAsync(IPAddress.Loopback, port, Cancelled).AsTask();
        await using ConclaveClient client = new(new ConclaveClientOptions { Endpoints = [$"127.0.0.1:{port}"], RequestTimeout = TimeSpan.FromMilliseconds(300) });

        UnavailableException failure = await Assert.ThrowsAsync<UnavailableException>(async () => await client.PutAsync("k", "1", cancellationToken: Cancelled));

        Assert.Contains("could not be reached within 0.3 s", failure.Message, StringComparison.Ordinal);
        foreach (Socket filler in fillers) filler.Dispose();
    }

    [Fact]
    public async Task A_snapshot_is_taken_whole_and_hashes_and_states_are_told()
    {
        await using EtcdServer server = await EtcdServer.StartAsync(SharedEtcd.Ports);
        await using ConclaveClient client = new(server.Endpoint);
        PutResult put = await client.PutAsync("k", "1", cancellationToken: Cancelled);
        using MemoryStream snapshot = new();

        long bytes = await client.Maintenance.SnapshotAsync(snapshot, cancellationToken: Cancelled);
        MemberStatus status = await client.Maintenance.StatusAsync(cancellationToken: Cancelled);
        KeyHash hash = await client.Maintenance.HashKvAsync(put.Header.Revision, cancellationToken: Cancelled);
        await client.Maintenance.HashAsync(cancellationToken: Cancelled);
        await client.Maintenance.DefragmentAsync(cancellationToken: Cancelled);
        Member member = (await client.Members.ListAsync(cancellationToken: Cancelled)).Members.Single();

        Assert.Equal((snapshot.Length, 32), (bytes, bytes % 512));
        Assert.True(status.IsLeader);
        Assert.Equal(put.Header.Revision, status.Header.Revision);
        Assert.Matches("^3\\.\\d+\\.\\d+$", status.Version);
        Assert.NotEqual(0u, hash.Hash);
        Assert.Equal(("m1", member.Id), (member.Name, status.LeaderId));
        Assert.Empty(await client.Maintenance.AlarmsAsync(Cancelled));
    }

    [Fact]
    public async Task A_full_store_refuses_writes_until_its_alarm_is_taken_back()
    {
        await using EtcdServer server = await EtcdServer.StartAsync(SharedEtcd.Ports, "--quota-backend-bytes", "200000");
        await using ConclaveClient client = new(server.Endpoint);
        ConclaveException? refusal = null;
        // Servers look at the size of their store now and then, not at each write; some writes more than fit are taken.
        for (int i = 0; i < 20_000 && refusal is null; i++)
        {
            try
            {
                await client.PutAsync($"k{i}", new byte[20_000], cancellationToken: Cancelled);
            }
            catch (ConclaveException e)
            {
                refusal = e;
            }
        }

        // The member that ran out of space raises the alarm through the log, a moment after the refusal.
        Alarm? alarm = null;
        long refused = Stopwatch.GetTimestamp();
        while (alarm is null && Stopwatch.GetElapsedTime(refused) < TimeSpan.FromSeconds(60)) alarm = (await client.Maintenance.AlarmsAsync(Cancelled)).SingleOrDefault();
        Assert.NotNull(alarm);
        await client.Maintenance.DisarmAsync(alarm, Cancelled);

        Assert.Equal(Wire.Grpc.GrpcCode.ResourceExhausted, refusal!.Code);
        Assert.Equal(AlarmKind.NoSpace, alarm.Kind);
        Assert.Empty(await client.Maintenance.AlarmsAsync(Cancelled));
    }
}
