using System.Collections.Immutable;
using System.Text;
using Conclave.Raft;

namespace Conclave.Fuzz.Targets;

/// <summary>Messages and memberships as members write them.</summary>
internal static class RaftSamples
{
    private static readonly NodeId One = new(1), Two = new(2), Three = new(3);
    private static readonly Term Fifth = new(5);

    public static readonly EntryId Last = new(new LogIndex(9), new Term(4));

    public static readonly ImmutableArray<MemberInfo> Infos = [new(One, Encoding.UTF8.GetBytes("http://127.0.0.1:2380")), new(Three, Encoding.UTF8.GetBytes("https://[::1]:2380,http://c:1"))];

    public static readonly Membership[] Memberships =
    [
        Membership.Of(), Membership.Of(One, Two, Three), new() { Voters = [One, Two], VotersOutgoing = [One], Learners = [Three], Joining = [Two], Infos = Infos },
    ];

    public static readonly Entry[] Entries =
    [
        new(new LogIndex(10), new Term(4), EntryKind.Command, StoreSamples.Commands()[1]), new(new LogIndex(11), Fifth, EntryKind.NoOp, default), new(new LogIndex(12), Fifth, EntryKind.Membership, Memberships[2].Encode()),
    ];

    public static readonly Message[] Messages =
    [
        new VoteRequest { From = One, To = Two, Term = Fifth, PreVote = true, Last = Last, Round = 3 }, new VoteRequest { From = One, To = Two, Term = Fifth, PreVote = false, Transfer = true, Last = Last, Round = 4 },
        new VoteReply { From = Two, To = One, Term = Fifth, PreVote = false, Granted = true, Round = 4 },
        new AppendRequest { From = One, To = Two, Term = Fifth, Previous = Last, Entries = Entries, Commit = Last.Index, Sequence = 7 },
        new AppendRequest { From = One, To = Two, Term = Fifth, Previous = Last, Entries = default, Commit = Last.Index, Sequence = 8 },
        new AppendReply { From = Two, To = One, Term = Fifth, Sequence = 7, Success = true, Match = new LogIndex(12), Hint = Last }, new CommitNotice { From = One, To = Two, Term = Fifth, Verified = Last, Commit = Last.Index },
        new HeartbeatRequest { From = One, To = Two, Term = Fifth, Commit = Last.Index, ReadEpoch = 3 }, new HeartbeatReply { From = Two, To = One, Term = Fifth, ReadEpoch = 3, Unproven = true, Recovering = true },
        new SnapshotReply { From = Two, To = One, Term = Fifth, Last = Last.Index }, new ReadIndexRequest { From = Two, To = One, Term = Fifth, RequestId = 6 },
        new ReadIndexReply { From = One, To = Two, Term = Fifth, RequestId = 6, Index = Last.Index }, new TimeoutNow { From = One, To = Two, Term = Fifth, Last = Last },
    ];

    public static readonly MembershipChange[] Changes =
    [
        new(MembershipChangeKind.AddVoter, Three, [Infos[1]]), new(MembershipChangeKind.Remove, Two, []), new(MembershipChangeKind.Describe, NodeId.None, Infos),
    ];
}
