using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Conclave.Raft;

namespace Conclave.Storage;

public sealed partial class DurableLog
{
    /// <summary>
    /// Makes operations durable, in order, with one write and one sync for all of them, and hands out the messages that waited for them.
    /// </summary>
    /// <param name="ops">In ticket order. Beyond <see cref="DurableLogOptions.BatchBytesMax"/> they are written in several batches, each synced before the next; one operation is never split.</param>
    /// <param name="released">Gets the messages of every operation that is durable, also of those before one that failed.</param>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Poisoned"/>: a write or a sync failed, now or earlier.</exception>
    /// <exception cref="InvariantViolationException">The operations do not follow the log.</exception>
    [OverloadResolutionPriority(1)]
    public void Persist(ReadOnlySpan<PersistOp> ops, List<OutboundMessage> released) => Persist(ops, released, stopsWhenFull: false);

    /// <summary>Like <see cref="Persist(ReadOnlySpan{PersistOp}, List{OutboundMessage})"/>, but stops before an operation for which the disk has no room.</summary>
    /// <returns>How many operations are durable. The rest was not touched: it may be tried again when there is room.</returns>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Poisoned"/>.</exception>
    /// <exception cref="InvariantViolationException">The operations do not follow the log.</exception>
    public int PersistWhatFits(ReadOnlySpan<PersistOp> ops, List<OutboundMessage> released) => Persist(ops, released, stopsWhenFull: true);

    private int Persist(ReadOnlySpan<PersistOp> ops, List<OutboundMessage> released, bool stopsWhenFull)
    {
        RequireUsable();
        int done = 0;
        try
        {
            while (!ops.IsEmpty)
            {
                int taken = TakeGroup(ops);
                ReadOnlySpan<PersistOp> group = ops[..taken];
                if (stopsWhenFull && NeedsWrite(group) && !HasRoomFor(SectorBytesOf(group, out _)))
                    return done;
                if (Has(StorageFaults.ReleaseBeforeWrite))
                    Release(group, released);
                if (NeedsWrite(group))
                    WriteBatch(group, flags: 0);
                if (!Has(StorageFaults.ReleaseBeforeWrite))
                    Release(group, released);
                ops = ops[taken..];
                done += taken;
            }
            return done;
        }
        catch (FileSystemException failure)
        {
            throw Poison(failure);
        }
        catch (Exception failure)
        {
            _poison ??= failure; // half of a group may be in memory only: nothing may build on it
            throw;
        }
    }

    /// <inheritdoc cref="Persist(ReadOnlySpan{PersistOp}, List{OutboundMessage})"/>
    public void Persist(List<PersistOp> ops, List<OutboundMessage> released) => Persist(CollectionsMarshal.AsSpan(ops), released);

    private int TakeGroup(ReadOnlySpan<PersistOp> ops)
    {
        long bytes = BatchHeader.Bytes + BatchTrailer.Bytes + BatchEncoder.SizeOf(ops[0]);
        int taken = 1;
        while (taken < ops.Length && (bytes += BatchEncoder.SizeOf(ops[taken])) <= _options.BatchBytesMax)
            taken++;
        return taken;
    }

    private bool NeedsWrite(ReadOnlySpan<PersistOp> group)
    {
        foreach (PersistOp op in group)
            if (!op.Entries.IsEmpty || op.TruncateFrom is not null || (op.HardState is { } state && state != _hardState))
                return true;
        return false;
    }

    private static void Release(ReadOnlySpan<PersistOp> group, List<OutboundMessage> released)
    {
        foreach (PersistOp op in group)
        {
            IReadOnlyList<OutboundMessage> messages = op.MarkDurable();
            for (int i = 0; i < messages.Count; i++)
                released.Add(messages[i]);
        }
    }

    private void WriteBatch(ReadOnlySpan<PersistOp> group, uint flags)
    {
        int sectorBytes = SectorBytesOf(group, out int contentBytes);
        if (!_active.Fits(sectorBytes))
            RollOver(sectorBytes);

        LogIndex watermark = _runs.Last.Index;
        HardState hardState = _hardState;
        _encoder.Begin(_active.Seed, contentBytes);
        foreach (PersistOp op in group)
            Encode(op, ref hardState);
        ReadOnlySpan<byte> batch = _encoder.Finish(_batch + 1, hardState, watermark, _chain, flags, out uint chain);

        // Both writes are covered by the one sync. Should the power keep the batch and lose the zeros: those places are holes, and read as zeros.
        while (_active.Prepared < _active.Position + batch.Length && _active.Prepared < _active.Header.SegmentBytes)
            _active.Prepare(_options.ZeroFillBytes);
        _active.Write(batch);
        if (!Has(StorageFaults.SkipDataSync))
            SyncBatch();
        (_batch, _chain) = (_batch + 1, chain);
        if (hardState != _hardState)
            RememberVote(hardState);
        if (_isIncomplete && _runs.Last >= LostEnd)
            ForgetLostEnd();
    }

    private static int SectorBytesOf(ReadOnlySpan<PersistOp> group, out int contentBytes)
    {
        long bytes = BatchHeader.Bytes + BatchTrailer.Bytes;
        foreach (PersistOp op in group)
            bytes += BatchEncoder.SizeOf(op);
        Invariant.Holds(bytes <= BatchContentBytesMax, "The core bounds the size of an operation.");
        contentBytes = (int)bytes;
        return Sectors.RoundUp(contentBytes);
    }

    private void SyncBatch()
    {
        try
        {
            _active.File.Sync();
        }
        catch (FileSystemException) when (Has(StorageFaults.RetryFailedSync))
        {
            _active.File.Sync();
        }
    }

    private bool Has(StorageFaults fault) => (_options.Faults & fault) != 0;

    /// <summary>
    /// A second sync, at elections only: a vote that stood in the last batch alone would be forgotten with it when that batch is damaged, and
    /// a member that has forgotten its vote can never be repaired from the others. Before anything that depends on it leaves.
    /// </summary>
    private void RememberVote(HardState hardState)
    {
        if (!Has(StorageFaults.VoteInLogOnly))
            _superblock.UpdateHardState(hardState);
        _hardState = hardState;
    }

    private void ForgetLostEnd()
    {
        _superblock.Update(_superblock.Current with { LostEnd = EntryId.Zero });
        _isIncomplete = false;
    }

    private void Encode(PersistOp op, ref HardState hardState)
    {
        if (op.TruncateFrom is { } from && from <= _runs.Last.Index)
        {
            _runs.TruncateFrom(from);
            if (!Has(StorageFaults.DropTruncation))
                _encoder.AddTruncation(from);
        }
        foreach (ref readonly Entry entry in op.Entries.Span)
        {
            _runs.Append(entry.Id);
            _encoder.AddEntry(entry);
            _highestInActive = LogIndex.Max(_highestInActive, entry.Index);
        }
        if (op.HardState is { } state)
        {
            RequireProgress(hardState, state);
            hardState = state;
        }
    }

    /// <summary>The last place where a mistake in the core could still be stopped: two votes in one term elect two leaders.</summary>
    private static void RequireProgress(HardState before, HardState after)
    {
        Invariant.Holds(after.Term >= before.Term, "A term never goes back.");
        Invariant.Holds(after.Term > before.Term || before.VotedFor == NodeId.None || after.VotedFor == before.VotedFor, "A vote is never taken back.");
    }
}
