using System.Buffers.Binary;
using System.Text;
using Conclave.Node.Consensus;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Node.Tests.Nodes;
using Conclave.Raft;
using Conclave.Storage;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Node.Tests.Consensus;

/// <summary>A proposal is good in the term that it was sent for. Its sender takes the first entry of a later term as proof that it is lost, and sends it again: appended there, it would be done twice.</summary>
public sealed class ProposalTermTests : IAsyncDisposable
{
    private static readonly NodeId Other = new(99);

    private readonly TemporaryDirectory _directory = new();
    private readonly NodeOptions _options;
    private Replica _replica;
    private Exception? _fatal;

    public ProposalTermTests()
    {
        _options = TestNode.Alone(_directory);
        _replica = Start();
    }

    public async ValueTask DisposeAsync()
    {
        await _replica.DisposeAsync();
        _directory.Dispose();
        Assert.Null(_fatal);
    }

    [Fact]
    public async Task A_proposal_for_a_leader_of_an_earlier_term_is_not_appended_by_the_next()
    {
        ulong earlier = await LedTermAsync();
        await RestartAsync();
        ulong now = await LedTermAsync();
        Assert.True(now > earlier);
        long before = _replica.View.Revision;

        Deliver(earlier, "late");
        Deliver(now + 1, "early");
        Deliver(now, "due");

        await TestNode.EventuallyAsync("the one of this term is done", () => Task.FromResult(Has("due")));
        Assert.False(Has("late"));
        Assert.False(Has("early"));
        Assert.Equal(before + 1, _replica.View.Revision);
    }

    [Fact]
    public async Task What_a_leader_decided_by_its_own_clock_is_not_proposed_in_a_later_term()
    {
        ulong earlier = await LedTermAsync();
        await RestartAsync();
        ulong now = await LedTermAsync();
        byte[] late = Put("late"), due = Put("due");

        _replica.ProposeAsLeader(earlier, CommandKind.Put, late);
        _replica.ProposeAsLeader(now, CommandKind.Put, due);

        await TestNode.EventuallyAsync("the one of this term is done", () => Task.FromResult(Has("due")));
        Assert.False(Has("late"));
    }

    private Replica Start()
    {
        var replica = new Replica(_options, new PosixFileSystem(), new TestOutputLogger("n1"), cause => _fatal = cause);
        replica.Start();
        return replica;
    }

    private async Task RestartAsync()
    {
        await _replica.DisposeAsync();
        _replica = Start();
    }

    private async Task<ulong> LedTermAsync()
    {
        await TestNode.EventuallyAsync("it leads", () => Task.FromResult(_replica.IsLeader));
        return _replica.Status.Term;
    }

    /// <summary>As it comes from another member's connection.</summary>
    private void Deliver(ulong term, string key)
    {
        byte[] command = Command.Encode(CommandKind.Put, Other.Value, requestId: 1, Put(key)), body = new byte[8 + command.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(body, term);
        command.CopyTo(body, 8);
        IPeerHandler handler = _replica;
        Assert.True(handler.OnFrame(Other, PeerFrameKind.Proposal, body));
        handler.OnFramesEnd(Other);
    }

    private static byte[] Put(string key) => new PutRequest { Key = ByteString.CopyFromUtf8(key) }.ToByteArray();

    private bool Has(string key)
    {
        var answer = new System.Buffers.ArrayBufferWriter<byte>();
        Assert.Equal(StoreError.None, _replica.View.Range(new RangeRequest { Key = ByteString.CopyFromUtf8(key) }.ToByteArray(), answer));
        return answer.WrittenSpan.IndexOf(Encoding.UTF8.GetBytes(key)) >= 0;
    }
}
