using System.Net;
using System.Net.Sockets;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Node.Tests.Nodes;
using Conclave.Raft;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Node.Tests.Peers;

/// <summary>Two members that greet each other over real sockets: this one is 1, the transport under test is 2.</summary>
public sealed class PeerConnectionTests : IAsyncLifetime
{
    private static readonly NodeId Caller = new(1), Callee = new(2), Third = new(3);
    private static readonly TimeSpan LongElectionTimeout = TimeSpan.FromMinutes(1);
    private readonly Uri _url = FreeUrl();
    private readonly MemberCredentials _mine = TestGate.Credentials(), _theirs = TestGate.Credentials();
    private readonly TestOutputLogger _log = new("n2");
    private readonly PeerTransport _callee;
    private readonly PeerGate _callerGate, _calleeGate;

    public PeerConnectionTests()
    {
        (NodeId, Uri)[] members = [(Caller, FreeUrl()), (Callee, _url)];
        _callerGate = TestGate.Of(Caller, _mine, members);
        _calleeGate = TestGate.Of(Callee, _theirs, members);
        _callee = new PeerTransport(_calleeGate, LongElectionTimeout, new NoPeers(), new NoPeers(), (_, _, _) => Task.CompletedTask, _log);
    }

    public ValueTask InitializeAsync()
    {
        _callee.Bind([_url]);
        _callee.Start();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _callee.DisposeAsync();

    /// <summary>The port is bound before the node starts, so a caller may wait there with its greeting. Two dials for one member would close each other's connections for ever.</summary>
    [Fact]
    public async Task A_stranger_that_waits_when_the_node_starts_is_dialled_once()
    {
        Uri url = FreeUrl();
        using var home = new TcpListener(IPAddress.Loopback, 0);
        home.Start();
        await using var node = new PeerTransport(TestGate.Of(Callee, _theirs, [(Callee, url)]), LongElectionTimeout, new NoPeers(), new NoPeers(), (_, _, _) => Task.CompletedTask, NullLogger.Instance);
        node.Bind([url]);
        using var caller = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await caller.ConnectAsync(IPAddress.Loopback, url.Port, TestContext.Current.CancellationToken);
        var hello = new PeerHello(PeerConnectionKind.Messages, TestGate.ClusterId, Third, Callee, TestGate.Credentials(), $"http://{home.LocalEndpoint}");
        await PeerLink.SendAllAsync(caller, hello.Encode(), TestContext.Current.CancellationToken);

        node.Start();

        // Nobody answers here, so it gives up after a while and dials again. But never while it still waits.
        using Socket dialled = await home.AcceptSocketAsync(TestContext.Current.CancellationToken);
        for (int i = 0; i < 50 && !home.Pending(); i++) await Task.Delay(10, TestContext.Current.CancellationToken);
        Assert.True(!home.Pending() || IsClosed(dialled));

        static bool IsClosed(Socket socket)
        {
            byte[] greeting = new byte[8192];
            while (socket.Poll(0, SelectMode.SelectRead))
            {
                if (socket.Receive(greeting) == 0) return true;
            }

            return false;
        }
    }

    [Fact]
    public async Task A_new_message_connection_closes_the_one_before_it()
    {
        using PeerConnection first = await DialServedAsync();
        using PeerConnection second = await DialAsync(_mine);

        Assert.True(await IsClosedAsync(first));
        Assert.False(second.Socket.Poll(0, SelectMode.SelectRead));
    }

    [Fact]
    public async Task A_caller_with_another_directory_than_before_is_refused_and_told_why()
    {
        using PeerConnection first = await DialAsync(_mine);

        PeerRefusedException refusal = await RefusedAsync(TestGate.Credentials());

        Assert.Equal((AdmissionReason.OtherDirectory, true), (refusal.Reason, refusal.ByOther));
        Assert.Contains("refused: member n1", refusal.Message);
        Assert.EndsWith("conclave member replace n1", refusal.Message);
    }

    [Fact]
    public async Task A_caller_that_starts_again_is_let_in_and_its_former_start_is_not()
    {
        using (PeerConnection first = await DialAsync(_mine))
        {
        }

        MemberCredentials next = _mine with { Boot = 2, BootNonce = Guid.NewGuid() };
        using PeerConnection second = await DialUntilAsync(next);

        Assert.Equal(AdmissionReason.OlderDirectory, (await RefusedAsync(_mine)).Reason);
    }

    [Fact]
    public async Task A_copy_of_the_directory_is_refused_while_the_first_process_is_heard()
    {
        using PeerConnection first = await DialServedAsync();

        PeerRefusedException refusal = await RefusedAsync(_mine with { Boot = 2, BootNonce = Guid.NewGuid() });

        Assert.Equal(AdmissionReason.SecondProcess, refusal.Reason);
        Assert.False(first.Socket.Poll(0, SelectMode.SelectRead));
    }

    [Fact]
    public async Task A_copy_that_was_started_often_is_refused_and_the_next_start_of_the_original_is_let_in()
    {
        MemberStart first = new(1, _mine.BootNonce), second = new(2, Guid.NewGuid());
        MemberCredentials original = _mine with { Boot = 2, BootNonce = second.Nonce, Starts = [first, second] };
        using (PeerConnection let = await DialAsync(original))
        {
        }

        await EventuallyAsync(() => _calleeGate.LiveNonce(Caller) is null);
        var copied = new MemberStart(9, Guid.NewGuid());
        PeerRefusedException refusal = await RefusedAsync(_mine with { Boot = 9, BootNonce = copied.Nonce, Starts = [first, new(2, Guid.NewGuid()), copied] });
        Assert.Equal((AdmissionReason.OlderDirectory, true), (refusal.Reason, refusal.ByOther));
        Assert.Contains("does not know its start 2", refusal.Message);
        Assert.EndsWith("conclave member replace n1", refusal.Message);

        var third = new MemberStart(3, Guid.NewGuid());
        using PeerConnection again = await DialUntilAsync(original with { Boot = 3, BootNonce = third.Nonce, Starts = [first, second, third] });
    }

    [Fact]
    public async Task A_caller_of_the_release_before_is_understood_and_answered_in_its_way()
    {
        PeerHello hello = _callerGate.Hello(PeerConnectionKind.Messages, Callee) with { Speaks = 3, PeerUrls = "http://127.0.0.1:1" };
        Assert.Equal(hello, PeerHello.Decode(hello.Encode(), out _));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _url.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(hello.Encode(), TestContext.Current.CancellationToken);

        byte[] head = new byte[PeerWelcome.Bytes];
        await PeerLink.ReceiveExactlyAsync(new PeerConnection(socket), head, TestContext.Current.CancellationToken);

        PeerWelcome welcome = PeerWelcome.Decode(head);
        Assert.Equal((true, 0, _theirs), (welcome.Accepted, welcome.RestBytes, welcome.Credentials));
    }

    [Fact]
    public async Task A_callee_of_the_release_before_is_greeted_in_its_way()
    {
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Task<PeerConnection> dialling = PeerLink.DialAsync(new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndPoint!).Port}"),
            _callerGate.Hello(PeerConnectionKind.Messages, Callee), _callerGate, TestContext.Current.CancellationToken);

        using (Socket first = await listener.AcceptAsync(TestContext.Current.CancellationToken))
        {
            byte[] head = new byte[PeerHello.HeadBytes];
            await PeerLink.ReceiveExactlyAsync(new PeerConnection(first), head, TestContext.Current.CancellationToken);
            Assert.Equal(PeerHello.Version, head[8]);
            await first.SendAsync(PeerWelcome.Refuse(AdmissionReason.None, "this member speaks peer protocol 3, the caller 4; run the same release on all members"), TestContext.Current.CancellationToken);
        }

        using Socket second = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        (PeerHello? hello, string reason) = await PeerHello.ReceiveAsync(new PeerConnection(second), TestContext.Current.CancellationToken);
        Assert.Equal(("", (ushort)3), (reason, hello!.Value.Speaks));
        await second.SendAsync(PeerWelcome.Accept(_theirs, speaks: 3), TestContext.Current.CancellationToken);
        using PeerConnection dialled = await dialling;
    }

    [Fact]
    public async Task A_connection_for_a_snapshot_finds_the_address_that_answers()
    {
        // The membership still has an address where nobody listens any more; the member's own greetings name another one.
        PeerGate gate = TestGate.Of(Caller, _mine, [(Caller, FreeUrl()), (Callee, FreeUrl())]);
        var link = new PeerLink(Callee, gate, TimeSpan.FromSeconds(1), new NoPeers(), NullLogger.Instance);
        link.Suggest([_url]);

        using PeerConnection socket = await link.DialBesideAsync(PeerConnectionKind.Snapshot, TestContext.Current.CancellationToken);

        Assert.Equal(_url.Port, ((IPEndPoint)socket.RemoteEndPoint!).Port);   // connected
    }

    [Fact]
    public async Task A_removed_member_is_told_so_for_ever()
    {
        using PeerConnection first = await DialAsync(_mine);
        _calleeGate.Remove([Caller]);

        PeerRefusedException refusal = await RefusedAsync(_mine);

        Assert.Equal((AdmissionReason.Removed, true), (refusal.Reason, refusal.ByOther));
    }

    [Fact]
    public async Task A_member_whose_log_went_back_is_hung_up_on_and_refused()
    {
        using PeerConnection first = await DialServedAsync();

        _callee.Revert(Caller);

        Assert.True(await IsClosedAsync(first));
        PeerRefusedException refusal = await RefusedAsync(_mine);
        Assert.Equal(AdmissionReason.OlderDirectory, refusal.Reason);
        Assert.Contains("has lost writes", refusal.Message);
    }

    [Fact]
    public async Task Somebody_unknown_is_a_guest_to_a_follower_and_nobody_to_a_leader()
    {
        var guest = new PeerHello(PeerConnectionKind.Messages, TestGate.ClusterId, Third, Callee, TestGate.Credentials(), NodeOptions.Plain(FreeUrl()));
        using (PeerConnection let = await PeerLink.DialAsync(_url, guest, gate: null, TestContext.Current.CancellationToken))
        {
            await EventuallyAsync(() => _callee.All.Any(link => link.Peer == Third));
        }

        await EventuallyAsync(() => !_callee.All.Any(link => link.Peer == Third));
        _calleeGate.IsLeader = () => true;
        PeerRefusedException refusal = await Assert.ThrowsAsync<PeerRefusedException>(() => PeerLink.DialAsync(_url, guest, gate: null, TestContext.Current.CancellationToken));
        Assert.Equal(AdmissionReason.Unknown, refusal.Reason);
    }

    /// <summary>It dials once a second until somebody corrects its flags.</summary>
    [Fact]
    public async Task A_caller_of_another_cluster_is_refused_each_time_and_in_the_log_once()
    {
        var stranger = new PeerHello(PeerConnectionKind.Messages, TestGate.ClusterId + 1, Third, Callee, TestGate.Credentials(), NodeOptions.Plain(FreeUrl()));

        for (int i = 0; i < 5; i++)
        {
            PeerRefusedException refusal = await Assert.ThrowsAsync<PeerRefusedException>(() => PeerLink.DialAsync(_url, stranger, gate: null, TestContext.Current.CancellationToken));
            Assert.Contains("--initial-cluster-state existing", refusal.Message);
        }

        await EventuallyAsync(() => _callee.RefusedCount == 5 && _log.Lines.Any(line => line.Contains("cluster ID mismatch")));
        Assert.Single(_log.Lines, line => line.Contains("cluster ID mismatch"));
    }

    [Fact]
    public async Task A_guest_for_whom_there_is_no_room_is_told_so()
    {
        List<PeerConnection> guests = [];
        try
        {
            for (ulong id = 100; id < 116; id++) guests.Add(await DialGuestAsync(id));
            await EventuallyAsync(() => _callee.All.Count == 17);   // and the member

            PeerRefusedException refusal = await Assert.ThrowsAsync<PeerRefusedException>(() => DialGuestAsync(200));
            Assert.Contains("too many callers", refusal.Message);
            using PeerConnection member = await DialAsync(_mine);
        }
        finally
        {
            foreach (PeerConnection guest in guests) guest.Dispose();
        }

        Task<PeerConnection> DialGuestAsync(ulong id) => PeerLink.DialAsync(
            _url, new PeerHello(PeerConnectionKind.Messages, TestGate.ClusterId, new NodeId(id), Callee, TestGate.Credentials(), NodeOptions.Plain(FreeUrl())), gate: null, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Who_marks_a_member_as_gone_back_does_not_wait_for_the_disk()
    {
        using PeerConnection first = await DialAsync(_mine);
        _calleeGate.RevertSoon(Caller);   // and nothing is written yet

        Assert.Equal(AdmissionReason.OlderDirectory, (await RefusedAsync(_mine)).Reason);
    }

    [Fact]
    public async Task Links_follow_the_membership()
    {
        Assert.Equal([Caller], _callee.All.Select(link => link.Peer));
        _calleeGate.Members.InForce = Membership.Of(Caller, Callee, Third);
        _callee.Update();
        Assert.Equal([Caller, Third], _callee.All.Select(link => link.Peer).Order());

        using PeerConnection first = await DialServedAsync();
        _calleeGate.Remove([Caller]);
        _calleeGate.Members.InForce = _calleeGate.Members.Committed = Membership.Of(Callee, Third);
        _callee.Update();

        Assert.True(await IsClosedAsync(first));   // after the grace
        Assert.Equal([Third], _callee.All.Select(link => link.Peer));
    }

    [Fact]
    public async Task A_member_that_is_to_join_is_told_the_members()
    {
        ClusterIdentity told = await Introduction.AskAsync(_url, tls: null, TestContext.Current.CancellationToken);

        Assert.Equal((TestGate.ClusterId, NodeId.None), (told.ClusterId, told.Self));
        Assert.Equal([(Caller, "n1"), (Callee, "n2")], told.Members.Select(m => (m.Id, m.Name)));
        Assert.Equal([_url], told.Members[1].PeerUrls);
    }

    [Fact]
    public async Task A_callee_with_another_directory_than_before_is_not_talked_to()
    {
        Assert.Empty(_callerGate.Judge(Callee, TestGate.Credentials()).Words);

        PeerRefusedException refusal = await RefusedAsync(_mine);

        Assert.False(refusal.ByOther);
        Assert.StartsWith("member n2", refusal.Message);
    }

    [Fact]
    public async Task A_caller_remembers_what_the_callee_showed()
    {
        using PeerConnection first = await DialAsync(_mine);

        Assert.Empty(_callerGate.Judge(Callee, _theirs).Words);
        Assert.NotEmpty(_callerGate.Judge(Callee, TestGate.Credentials()).Words);
    }

    [Fact]
    public async Task Another_release_is_told_which_one_this_is()
    {
        byte[] hello = _callerGate.Hello(PeerConnectionKind.Messages, Callee).Encode();
        hello[8]++;
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _url.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(hello.AsMemory(0, PeerHello.HeadBytes), TestContext.Current.CancellationToken);

        byte[] head = new byte[PeerWelcome.Bytes];
        await PeerLink.ReceiveExactlyAsync(new PeerConnection(socket), head, TestContext.Current.CancellationToken);
        PeerWelcome welcome = PeerWelcome.Decode(head);
        byte[] words = new byte[welcome.RestBytes];
        await PeerLink.ReceiveExactlyAsync(new PeerConnection(socket), words, TestContext.Current.CancellationToken);

        Assert.False(welcome.Accepted);
        Assert.Contains("run the same release", System.Text.Encoding.UTF8.GetString(words));
    }

    [Fact]
    public async Task Both_ends_notice_a_host_that_vanished()
    {
        using PeerConnection socket = await DialAsync(_mine);

        Assert.Equal(1, (int)socket.Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)!);
        byte[] milliseconds = new byte[4];
        if (OperatingSystem.IsLinux()) socket.Socket.GetRawSocketOption(6, 18, milliseconds);
        Assert.Equal(OperatingSystem.IsLinux() ? 5_000 : 0, BitConverter.ToInt32(milliseconds));
    }

    [Fact]
    public void A_greeting_is_read_back_as_written_and_no_flipped_bit_passes()
    {
        PeerHello hello = _callerGate.Hello(PeerConnectionKind.Snapshot, Callee) with { CampaignDelay = 7, Credentials = new(Guid.NewGuid(), 5, Guid.NewGuid(), new LogIndex(6), new EntryId(new LogIndex(7), new Term(8))) };
        byte[] bytes = hello.Encode();
        Assert.Equal(hello, PeerHello.Decode(bytes, out _));
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.Null(PeerHello.Decode(bytes, out string reason));
            Assert.NotEmpty(reason);
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
        }

        for (int length = 0; length < bytes.Length; length++) Assert.Null(PeerHello.Decode(bytes.AsSpan(0, length), out _));
    }

    [Fact]
    public void A_greeting_with_starts_is_read_back_and_no_flipped_bit_passes()
    {
        MemberStart[] starts = [.. Enumerable.Range(1, StartHistory.RecentMax + 1).Select(i => new MemberStart((ulong)i, Guid.NewGuid()))];
        PeerHello hello = _callerGate.Hello(PeerConnectionKind.Messages, Callee) with { Credentials = _mine with { Starts = [.. starts] } };
        byte[] bytes = hello.Encode();
        PeerHello read = PeerHello.Decode(bytes, out _)!.Value;
        Assert.Equal(starts, read.Credentials.Starts);
        Assert.Equal(hello, read with { Credentials = hello.Credentials });
        for (int bit = 0; bit < bytes.Length * 8; bit += 3)
        {
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.Null(PeerHello.Decode(bytes, out _));
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
        }

        byte[] welcome = PeerWelcome.Accept(hello.Credentials, PeerHello.Version);
        PeerWelcome head = PeerWelcome.Decode(welcome);
        Assert.Equal(welcome.Length - PeerWelcome.Bytes, head.RestBytes);
        Assert.Equal(starts, head.Shown(welcome.AsSpan(PeerWelcome.Bytes)).Starts);
    }

    [Fact]
    public void Strangers_are_told_why_they_are_refused()
    {
        PeerHello hello = _callerGate.Hello(PeerConnectionKind.Messages, Callee);

        Assert.Empty(_calleeGate.Judge(hello).Words);
        Assert.Contains("cluster ID mismatch", _calleeGate.Judge(hello with { ClusterId = 8 }).Words);
        Assert.Contains("wanted", _calleeGate.Judge(hello with { To = Third }).Words);
        Assert.Equal(AdmissionReason.SecondProcess, _calleeGate.Judge(hello with { From = Callee }).Reason);
    }

    /// <summary>Waits for the end: an orderly one, or a reset, which is what closing under a pending read causes.</summary>
    private static async Task<bool> IsClosedAsync(PeerConnection connection)
    {
        try
        {
            return await connection.ReceiveAsync(new byte[1], TestContext.Current.CancellationToken) == 0;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    private static async Task EventuallyAsync(Func<bool> condition)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60), "It did not happen within 60 s.");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    private Task<PeerConnection> DialAsync(MemberCredentials shown) =>
        PeerLink.DialAsync(_url, _callerGate.Hello(PeerConnectionKind.Messages, Callee) with { Credentials = shown }, _callerGate, TestContext.Current.CancellationToken);

    /// <summary>The callee greets first and then counts the connection; on a busy machine another one may come in between.</summary>
    private async Task<PeerConnection> DialServedAsync()
    {
        PeerConnection connection = await DialAsync(_mine);
        await EventuallyAsync(() => _calleeGate.LiveNonce(Caller) is not null);
        return connection;
    }

    private Task<PeerRefusedException> RefusedAsync(MemberCredentials shown) => Assert.ThrowsAsync<PeerRefusedException>(() => DialAsync(shown));

    /// <summary>The end of the connection before may not have arrived yet.</summary>
    private async Task<PeerConnection> DialUntilAsync(MemberCredentials shown)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await DialAsync(shown);
            }
            catch (PeerRefusedException early) when (early.Reason == AdmissionReason.SecondProcess && System.Diagnostics.Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60))
            {
                await Task.Delay(10, TestContext.Current.CancellationToken);
            }
        }
    }

    private static Uri FreeUrl() => TestNode.FreeUrl();
}
