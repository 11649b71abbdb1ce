using Conclave.Node.Consensus;
using Conclave.Raft;
using Conclave.Store;

namespace Conclave.Node.Tests.Consensus;

public class ProposalsTests
{
    private static readonly NodeId Self = new(1), Other = new(2);

    private sealed class Route : IProposalRoute
    {
        public List<PendingRequest> Here { get; } = [];

        public List<(NodeId To, ulong Term)> Sent { get; } = [];

        public bool Connected { get; set; } = true;

        public void AppendHere(PendingRequest request) => Here.Add(request);

        public bool SendTo(NodeId leader, ulong term, byte[] payload)
        {
            if (Connected) Sent.Add((leader, term));
            return Connected;
        }

        public void Flush(bool quiet)
        {
        }
    }

    private readonly Route _route = new();
    private readonly Proposals _proposals;

    public ProposalsTests() => _proposals = new Proposals(Self, _route, TimeSpan.FromMinutes(1));

    private Task<ProposalResult> Propose() => _proposals.ProposeAsync(CommandKind.Put, [1]).AsTask();

    [Fact]
    public void A_request_waits_for_a_leader_and_then_goes_to_it()
    {
        Propose();
        Assert.Empty(_route.Sent);

        _proposals.OnLeader(Other, 5);

        Assert.Equal([(Other, 5UL)], _route.Sent);
    }

    [Fact]
    public void A_leader_appends_its_own_requests()
    {
        _proposals.OnLeader(Self, 5);

        Propose();

        Assert.Single(_route.Here);
    }

    [Fact]
    public async Task A_request_ends_when_its_entry_is_applied_here()
    {
        _proposals.OnLeader(Self, 5);
        Task<ProposalResult> result = Propose();

        _proposals.OnApplied(_route.Here[0].Id, new ApplyOutcome { Revision = 9 });

        Assert.Equal((ProposalEnd.Applied, 9L), ((await result).End, (await result).Outcome.Revision));
        Assert.Equal(0, _proposals.Count);
    }

    [Fact]
    public void A_request_that_may_be_in_the_log_is_not_sent_to_the_next_leader()
    {
        _proposals.OnLeader(Other, 5);
        Propose();

        _proposals.OnLeader(new NodeId(3), 6);

        Assert.Single(_route.Sent);
    }

    [Fact]
    public void Once_a_later_term_is_applied_a_request_that_was_not_met_is_sent_again()
    {
        _proposals.OnLeader(Other, 5);
        Propose();
        _proposals.OnLeader(new NodeId(3), 6);

        _proposals.OnTermApplied(6);

        Assert.Equal([(Other, 5UL), (new NodeId(3), 6UL)], _route.Sent);
    }

    [Fact]
    public void A_term_that_is_not_later_proves_nothing()
    {
        _proposals.OnLeader(Other, 5);
        Propose();

        _proposals.OnTermApplied(5);

        Assert.Single(_route.Sent);
    }

    [Fact]
    public void A_refused_request_goes_to_the_next_leader()
    {
        _proposals.OnLeader(Self, 4);
        Propose();
        _proposals.OnNotAppended(_route.Here[0]);

        _proposals.OnLeader(Other, 5);

        Assert.Equal([(Other, 5UL)], _route.Sent);
    }

    [Fact]
    public void A_late_refusal_of_an_earlier_attempt_does_not_double_the_request()
    {
        _proposals.OnLeader(Self, 4);
        Propose();
        ulong id = _route.Here[0].Id;
        _proposals.OnNotAppended(_route.Here[0]);
        _proposals.OnLeader(Other, 5);
        _proposals.OnLeader(new NodeId(3), 6);
        _proposals.OnTermApplied(6);

        _proposals.OnRefused(id, 5);

        Assert.Equal([(Other, 5UL), (new NodeId(3), 6UL)], _route.Sent);
    }

    [Fact]
    public async Task A_request_that_the_leader_has_no_room_for_ends_at_once_unless_it_was_sent_to_another_since()
    {
        _proposals.OnLeader(Self, 4);
        Task<ProposalResult> request = Propose();
        ulong id = _route.Here[0].Id;
        _proposals.OnNotAppended(_route.Here[0]);
        _proposals.OnLeader(Other, 5);

        _proposals.OnRefusedForGood(id, 4, ProposalEnd.NoRoom);
        Assert.False(request.IsCompleted);
        _proposals.OnRefusedForGood(id, 5, ProposalEnd.NoRoom);

        Assert.Equal(ProposalEnd.NoRoom, (await request).End);
        Assert.Equal(0, _proposals.Count);
    }

    [Fact]
    public async Task A_request_that_is_too_large_for_the_leader_ends_at_once_here_and_there()
    {
        _proposals.OnLeader(Self, 4);
        Task<ProposalResult> here = Propose();
        _proposals.OnTooLarge(_route.Here[0]);
        Assert.Equal(ProposalEnd.TooLarge, (await here).End);

        Task<ProposalResult> there = Propose();
        _proposals.OnNotAppended(_route.Here[1]);
        _proposals.OnLeader(Other, 5);
        _proposals.OnRefusedForGood(_route.Here[1].Id, 4, ProposalEnd.TooLarge);   // of an earlier attempt
        Assert.False(there.IsCompleted);
        _proposals.OnRefusedForGood(_route.Here[1].Id, 5, ProposalEnd.TooLarge);
        Assert.Equal(ProposalEnd.TooLarge, (await there).End);
        Assert.Equal(0, _proposals.Count);
        _proposals.Sweep();
        Assert.Single(_route.Sent);
    }

    [Fact]
    public void What_a_leader_without_room_takes_from_others_is_what_adds_nothing()
    {
        byte[] put = [0x0A, 1, (byte)'k'], txnWithPut = [0x12, 5, 0x12, 3, .. put], txnWithDelete = [0x12, 5, 0x1A, 3, .. put];   // a delete of the same key has the same bytes
        Assert.True(Adds(CommandKind.Put, put));
        Assert.True(Adds(CommandKind.LeaseGrant, [8, 1]));
        Assert.True(Adds(CommandKind.Txn, txnWithPut));
        Assert.False(Adds(CommandKind.Txn, txnWithDelete));
        Assert.False(Adds(CommandKind.DeleteRange, put));
        Assert.False(Adds(CommandKind.Compact, [8, 1]));
        Assert.False(Adds(CommandKind.Alarm, CommandBody.Alarm(activate: true, 1, AlarmKind.NoSpace)));
        Assert.False(ConsensusLoop.Adds(Command.Encode(CommandKind.Put, 1, 1, put, new SessionSequence(1, 1))));   // it may be a repeat

        static bool Adds(CommandKind kind, byte[] body) => ConsensusLoop.Adds(Command.Encode(kind, 1, 1, body));
    }

    [Fact]
    public void A_frame_that_never_left_is_tried_again()
    {
        _route.Connected = false;
        _proposals.OnLeader(Other, 5);
        Propose();
        _route.Connected = true;

        _proposals.Sweep();

        Assert.Equal([(Other, 5UL)], _route.Sent);
    }

    [Fact]
    public async Task After_a_snapshot_was_taken_over_nobody_knows_about_what_was_sent()
    {
        _proposals.OnLeader(Other, 5);
        Task<ProposalResult> result = Propose();

        _proposals.OnSnapshotInstalled();
        _proposals.OnTermApplied(6);

        Assert.Equal(ProposalEnd.Unknown, (await result.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken)).End);
        Assert.Single(_route.Sent);
    }

    [Fact]
    public async Task A_late_request_is_unknown_when_it_was_sent_and_refused_when_it_was_not()
    {
        var hasty = new Proposals(Self, _route, TimeSpan.Zero);
        Task<ProposalResult> waiting = hasty.ProposeAsync(CommandKind.Put, [1]).AsTask();
        hasty.Sweep();
        hasty.OnLeader(Other, 5);
        Task<ProposalResult> sent = hasty.ProposeAsync(CommandKind.Put, [1]).AsTask();
        hasty.Sweep();

        Assert.Equal(ProposalEnd.Refused, (await waiting).End);
        Assert.Equal(ProposalEnd.Unknown, (await sent).End);
    }

    [Fact]
    public async Task A_stopped_node_takes_no_more()
    {
        _proposals.Stop();

        Assert.Equal(ProposalEnd.Refused, (await Propose()).End);
    }
}
