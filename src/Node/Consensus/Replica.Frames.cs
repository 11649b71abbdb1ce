using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics;
using Conclave.Node.Peers;
using Conclave.Raft;

namespace Conclave.Node.Consensus;

/// <content>What comes from other members, and on whose thread the workers get their turns.</content>
internal sealed partial class Replica : IPeerHandler, IPeerLinkHandler, IDriver, IThreadPoolWorkItem
{
    bool IPeerHandler.OnFrame(NodeId from, PeerFrameKind kind, ReadOnlyMemory<byte> body)
    {
        switch (kind)
        {
            case PeerFrameKind.Raft:
                // The sender is who the greeting said it is, whatever the message claims.
                if (!MessageCodec.TryRead(body, out Message? message) || message.From != from || message.To != Self) return false;
                _consensus.Enqueue(RaftInput.Received(message), wake: false);   // OnFramesEnd drives
                return true;
            case PeerFrameKind.Proposal when body.Length >= 8:
                _consensus.EnqueueProposal(from, BinaryPrimitives.ReadUInt64LittleEndian(body.Span), body[8..], wake: false);
                return true;
            case PeerFrameKind.ProposalRefused when body.Length == 16:
                ulong request = BinaryPrimitives.ReadUInt64LittleEndian(body.Span), term = BinaryPrimitives.ReadUInt64LittleEndian(body.Span[8..]);
                if ((term & ConsensusLoop.NoRoomFlag) != 0) Proposals.OnRefusedForGood(request, term & ~ConsensusLoop.NoRoomFlag, ProposalEnd.NoRoom);
                else if ((term & ConsensusLoop.TooLargeFlag) != 0) Proposals.OnRefusedForGood(request, term & ~ConsensusLoop.TooLargeFlag, ProposalEnd.TooLarge);
                else Proposals.OnRefused(request, term);
                return true;
            case PeerFrameKind.Call:
                return LeaderCalls.OnCall(from, body.Span);
            case PeerFrameKind.CallReply:
                return LeaderCalls.OnReply(body.Span);
            case PeerFrameKind.Change:
                return Changes.OnChange(from, body.Span);
            case PeerFrameKind.StateWanted when body.Length == 8:
                _repair.OnWanted(from, BinaryPrimitives.ReadUInt64LittleEndian(body.Span));
                return true;
            case PeerFrameKind.StateWanted when body.Length == 9 && body.Span[8] == StateRepair.Refusal:
                _repair.OnRefused(from, BinaryPrimitives.ReadUInt64LittleEndian(body.Span));
                return true;
            case PeerFrameKind.AgentReport when body.Length >= 8:
                return AgentReported?.Invoke(body.Span[8..]) ?? true;
            case PeerFrameKind.ChangeReply:
                return Changes.OnReply(body.Span);
            default:
                return false;
        }
    }

    void IPeerHandler.OnFramesEnd(NodeId from)
    {
        _peers.Flush();
        // This thread is the one that hears that member. A leader must not sit in a sync while the answers that keep it a leader wait to be read,
        // and nobody on a disk that has just been slow.
        if (IsLeader || !_logWriter.IsFast) DriveWithoutLog();
        else DriveHere();
    }

    void IPeerLinkHandler.OnRemoved(NodeId by) => OnSelfRemoved($"as member {Members.NameOf(by)} says");

    void IPeerLinkHandler.OnLink(NodeId peer, bool up) => ToCore(up ? RaftInput.LinkUp(peer) : RaftInput.LinkDown(peer));

    private Task ReceiveSnapshotAsync(PeerHello hello, PeerConnection connection, CancellationToken cancellationToken) =>
        _streams.ReceiveAsync(hello.From, connection, cancellationToken);

    /// <summary>Answers a question about leases, if this node is the one to know.</summary>
    /// <remarks>
    /// The read round before it does two things. A majority confirms that nobody else led when the question came; without that, a deposed leader that
    /// does not know yet could promise time that its successor does not grant. And this node's state then includes every lease that anybody has met.
    /// </remarks>
    private async Task<long?> AnswerAsync(LeaderQuestion question, long lease)
    {
        if (!IsLeader) return null;
        long asked = Stopwatch.GetTimestamp();
        bool confirmed = await Reads.WaitAsync().ConfigureAwait(false);
        if (!confirmed || Stopwatch.GetElapsedTime(asked) > _options.ElectionTimeout) return null;
        return question switch
        {
            LeaderQuestion.LeaseRenew => Leases.Renew(lease),
            LeaderQuestion.LeaseRemaining => Leases.Remaining(lease),
            _ => null,
        };
    }

    /// <summary>What the state marks record of a member, or this leader has seen since. Nothing is held against one whose disk is forgotten: it has to catch up first.</summary>
    private LogIndex AcknowledgedBy(NodeId member)
    {
        foreach (string name in _options.ForgetMemberDisk)
        {
            if (Members.Named(name).Contains(member)) return LogIndex.Zero;
        }

        return LogIndex.Max(new LogIndex(View.Marks.Members.GetValueOrDefault(member.Value).Acknowledged), _acknowledged.Of(member));
    }

    private MemberCredentials OwnCredentials() => _credentials with { Durable = LogIndex.Max(_credentials.Durable, _logWriter.Durable) };

    /// <remarks>
    /// On a follower this takes an append from the socket to the acknowledgement on one thread. While that thread is in a sync it reads no
    /// further frames; they gather and become one batch.
    /// </remarks>
    public void DriveHere()
    {
        for (int round = 0; round < DriveRoundsMax; round++)
        {
            bool any = _consensus.TryRunHere();
            any |= _apply.TryRunHere();   // before the log: somebody may be waiting for this answer
            any |= _logWriter.TryRunHere();
            if (!any) break;
        }

        _peers.Flush();
        WakeAll();
    }

    public void DriveWithoutLog()
    {
        for (int round = 0; round < DriveRoundsMax; round++)
        {
            bool any = _consensus.TryRunHere();
            any |= _apply.TryRunHere();
            if (!any) break;
        }

        _peers.Flush();
        WakeAll();
    }

    public void DriveSoon()
    {
        if (Interlocked.Exchange(ref _driveQueued, 1) == 0) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        Volatile.Write(ref _driveQueued, 0);
        Reads.AskGathered();
        DriveWithoutLog();
    }

    private void WakeAll()
    {
        _consensus.Wake();
        _apply.Wake();
        _logWriter.Wake();
    }
}
