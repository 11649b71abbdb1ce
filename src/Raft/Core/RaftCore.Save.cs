using System.Buffers;

namespace Conclave.Raft;

public sealed partial class RaftCore
{
    /// <summary>
    /// Everything that decides what this core does next, at any moment between two inputs. Changes nothing. Costs what waits in it: a few hundred bytes for each peer, some 20
    /// for each message on its way, read that waits and write that is not durable; of the log only references.
    /// </summary>
    /// <remarks>What the core gave out is the driver's: operations that are still being written keep their messages, and the output of a batch that is not flushed yet is not in here.</remarks>
    public SavedCore Save()
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        var writer = new FieldWriter(buffer);
        writer.Varint(Self.Value);
        _random.Save(ref writer);
        writer.Long(_now);
        SaveRole(ref writer);
        _log.Save(ref writer);
        SaveMembers(ref writer);
        SaveTimers(ref writer);
        SavePersistence(ref writer);
        writer.Varint(_sequence);
        writer.Varint(_readEpoch);
        writer.Varint(_readRequestId);
        _reads.Save(ref writer);
        writer.Flush();

        var runs = new List<ReadOnlyMemory<Entry>>();
        _log.AddRuns(_log.Base.Index.Next, _log.Last.Index, runs);
        return new SavedCore(buffer.WrittenSpan.ToArray(), _log.Base.Term, runs);
    }

    private void SaveRole(ref FieldWriter writer)
    {
        writer.Byte((byte)Role);
        writer.Varint(Term.Value);
        writer.Varint(VotedFor.Value);
        writer.Varint(Leader.Value);
        writer.Index(Commit);
        writer.Index(Applied);
        writer.Index(_emitted);
        writer.Index(_verified);
        writer.Index(_termStart);
        writer.Long(_uncommittedBytes);
        writer.Id(_lostEnd);
        _tally.Save(ref writer);
        writer.Varint(_round);
        writer.Varint(_ownVoteTicket.Sequence);
        writer.Flag(_campaignIsTransfer);
        writer.Varint(_transferTarget.Value);
        writer.Flag(_timeoutNowDue);
        writer.Flag(_heartbeatDue);
    }

    private void SaveMembers(ref FieldWriter writer)
    {
        Save(ref writer, Snapshot);
        Save(ref writer, _installing);
        writer.Index(_compactedFor);
        _configs.Save(ref writer, Membership);
        foreach (Progress peer in _roster.Peers) peer.Save(ref writer);
    }

    private void SaveTimers(ref FieldWriter writer)
    {
        writer.Long(_electionElapsed);
        writer.Long(_electionTimeout);
        writer.Long(_fastCampaignIn);
        writer.Long(_campaignAttempts);
        writer.Long(_heartbeatElapsed);
        writer.Long(_transferElapsed);
    }

    private void SavePersistence(ref FieldWriter writer)
    {
        writer.Flag(_hardStateChanged);
        writer.Flag(_truncateFrom is not null);
        if (_truncateFrom is { } from) writer.Index(from);
        writer.Index(_handedOver);
        writer.Index(_durable);
        writer.Varint(_lastTicket.Sequence);
        writer.Varint(_durableTicket.Sequence);
        writer.Varint(_hardStateTicket.Sequence);
        writer.Varint((ulong)_writes.Count);
        foreach (PendingWrite write in _writes)
        {
            writer.Varint(write.Ticket.Sequence);
            writer.Index(write.Last);
            writer.Long(write.SinceTick);
        }
        // Between two batches there are none.
        writer.Varint((ulong)(_dependentMessages?.Count ?? 0));
        if (_dependentMessages is null) return;
        var buffer = new ArrayBufferWriter<byte>();
        foreach (OutboundMessage outbound in _dependentMessages)
        {
            buffer.ResetWrittenCount();
            MessageCodec.Write(buffer, outbound.Message);
            writer.Varint(outbound.To.Value);
            writer.Varint((ulong)buffer.WrittenCount);
            writer.Bytes(buffer.WrittenSpan);
        }
    }

    private static void Save(ref FieldWriter writer, SnapshotId? snapshot)
    {
        writer.Flag(snapshot is not null);
        if (snapshot is null) return;
        writer.Id(snapshot.Last);
        writer.Membership(snapshot.Membership);
    }
}
