using Conclave.Node.Options;
using Conclave.Node.Tls;
using Conclave.Raft;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Peers;

/// <summary>Stands between this node and everybody who wants to talk to it, or whom it wants to talk to: puts together what <see cref="MemberAdmission"/> needs.</summary>
internal sealed class PeerGate(MemberDirectory members, KnownIncarnations known, Func<MemberCredentials> own, IEnumerable<Uri> ownUrls, ILogger logger)
{
    private readonly string _ownUrls = string.Join(',', ownUrls.Select(NodeOptions.Plain));

    public MemberDirectory Members => members;

    public KnownIncarnations Known => known;

    /// <summary>The starts of this node's directory; null only in tests that have none.</summary>
    public OwnStarts? Starts { get; init; }

    /// <summary>What this node shows to that member.</summary>
    public MemberCredentials OwnFor(NodeId member) => Starts is null ? own() : own() with { Starts = Starts.ShownTo(member) };

    /// <summary>What TLS is spoken with; null for none. Set once, before anything runs.</summary>
    public TlsSide? Tls { get; init; }

    /// <summary>What the greetings of this node say; see <see cref="PeerHello.CampaignDelay"/>.</summary>
    public byte CampaignDelay { get; init; }

    /// <summary>Whether this node leads: then it knows every member there is. Set once, before anything runs.</summary>
    public Func<bool> IsLeader { get; set; } = () => false;

    /// <summary>The position that the replicated marks have on record for a member, or zero. Set once, before anything runs.</summary>
    public Func<NodeId, LogIndex> Acknowledged { get; set; } = _ => LogIndex.Zero;

    /// <summary>Whether there is room for a caller that is not in the membership that this node has so far. Set by the transport.</summary>
    public Func<NodeId, bool> HasRoomFor { get; set; } = _ => true;

    /// <summary>Boot nonce of the connection from this member that is alive, or null. Set by the transport.</summary>
    public Func<NodeId, Guid?> LiveNonce { get; set; } = _ => null;

    public PeerHello Hello(PeerConnectionKind kind, NodeId to) => new(kind, members.ClusterId, members.Self, to, OwnFor(to), _ownUrls) { CampaignDelay = CampaignDelay };

    /// <summary>Why a caller is not let in; <see cref="AdmissionReason.None"/> with words when it is not a matter of admission, without words when it is let in.</summary>
    public (AdmissionReason Reason, string Words) Judge(in PeerHello hello)
    {
        if (hello.Kind == PeerConnectionKind.Introduce) return (AdmissionReason.None, "");
        if (hello.ClusterId != members.ClusterId)
            return (AdmissionReason.None, $"cluster ID mismatch: this member belongs to {members.ClusterId:x}, the caller to {hello.ClusterId:x}. Check --initial-cluster and --initial-cluster-token on both; a member that joins a running cluster needs --initial-cluster-state existing");
        if (hello.To != members.Self) return (AdmissionReason.None, $"this is member {members.Self}, the caller wanted {hello.To}. Check the peer URLs in --initial-cluster, or of the member list");
        if (hello.From == members.Self) return (AdmissionReason.SecondProcess, $"the caller says that it is member {members.Self}, which is this one. Two processes run with one data directory, or a copy of it: stop one of them");
        if (!HasRoomFor(hello.From)) return (AdmissionReason.None, $"too many callers are not in the membership that this member has so far; {hello.From} is let in when the log says that it is a member, or when another one has left");
        return Judge(hello.From, hello.Credentials);
    }

    /// <summary>As <see cref="Judge(in PeerHello)"/>, for somebody whose id is proven.</summary>
    public (AdmissionReason Reason, string Words) Judge(NodeId member, in MemberCredentials shown)
    {
        // Who is no member here may have been added by an entry that this node lacks. Only the leader lacks none.
        MemberStanding standing = members.Includes(member) || !IsLeader() ? MemberStanding.Member : MemberStanding.Unknown;
        AdmissionVerdict verdict = known.Judge(member, standing, Acknowledged(member), shown, LiveNonce(member), out string problem);
        if (verdict.IsAccepted) return (AdmissionReason.None, problem.Length == 0 ? "" : $"member {members.NameOf(member)} is not talked to: {problem}");
        return (verdict.Reason, verdict.Explain(members.NameOf(member), member));
    }

    /// <summary>Members are gone for ever; they are told so from now on.</summary>
    public void Remove(IReadOnlyCollection<NodeId> removed)
    {
        if (removed.Count > 0 && known.Remove(removed) is { Length: > 0 } problem) Log.RemovalNotRemembered(logger, string.Join(", ", removed), problem);
    }

    /// <summary>The leader saw that this member's log ended before what it had acknowledged. Never waits; <see cref="Revert"/> has to follow.</summary>
    public void RevertSoon(NodeId member)
    {
        Log.LogReverted(logger, members.NameOf(member), member);
        known.RevertSoon(member);
    }

    /// <summary>Writes to the disk what <see cref="RevertSoon"/> said.</summary>
    public void Revert(NodeId member)
    {
        if (known.Revert(member) is { Length: > 0 } problem) Log.RemovalNotRemembered(logger, member.ToString(), problem);
    }
}
