namespace Conclave.Store;

/// <summary>How many operations this member has carried out since its store was made, as etcd counts them. Neither replicated nor saved.</summary>
/// <remarks>
/// A put that wants the previous value is a range and a put; a deletion likewise. A transaction is whatever is more than one operation. The compares of a
/// transaction that writes are ranges, and a transaction of their own when there are several. What is applied is counted by the writer alone, what views
/// answer on any thread; all may be read on any.
/// </remarks>
public sealed class OperationCounts
{
    private long _appliedRanges, _appliedTxns, _puts, _putBytes, _deletes, _reclaimed;   // written by one thread
    private long _viewRanges, _viewTxns;   // interlocked

    /// <summary>Entries up to this index are not counted: an earlier process of this member may have applied them already.</summary>
    public ulong CountedBefore { get; set; }

    /// <summary>Ranges, whatever they found. Those that only this member answers are among them.</summary>
    public long Ranges => Volatile.Read(ref _appliedRanges) + Interlocked.Read(ref _viewRanges);

    public long Puts => Volatile.Read(ref _puts);

    /// <summary>Bytes of keys and values that were put.</summary>
    public long PutBytes => Volatile.Read(ref _putBytes);

    /// <summary>Deletions, however many keys they met; and each key that went with its lease.</summary>
    public long Deletes => Volatile.Read(ref _deletes);

    /// <summary>What was more than one operation.</summary>
    public long Txns => Volatile.Read(ref _appliedTxns) + Interlocked.Read(ref _viewTxns);

    /// <summary>Versions of keys that compactions gave back.</summary>
    public long Reclaimed => Volatile.Read(ref _reclaimed);

    /// <summary>Called by the writer.</summary>
    internal void Applied(ulong index, in OperationTally done)
    {
        if (index <= CountedBefore)
            return;
        Volatile.Write(ref _appliedRanges, _appliedRanges + done.Ranges);
        Volatile.Write(ref _puts, _puts + done.Puts);
        Volatile.Write(ref _putBytes, _putBytes + done.PutBytes);
        Volatile.Write(ref _deletes, _deletes + done.Deletes);
        if (done.Ranges + done.Puts + done.Deletes > 1)
            Volatile.Write(ref _appliedTxns, _appliedTxns + 1);
    }

    /// <summary>Called by the writer.</summary>
    internal void ReclaimedOne() => Volatile.Write(ref _reclaimed, _reclaimed + 1);

    /// <summary>A view was asked. Called on any thread.</summary>
    internal void Answered(int ranges)
    {
        if (ranges > 0)
            Interlocked.Add(ref _viewRanges, ranges);
        if (ranges > 1)
            Interlocked.Increment(ref _viewTxns);
    }
}
