using System.Collections.Immutable;
using System.Globalization;

namespace Conclave.Client.Locks;

/// <summary>A key in the line for a name.</summary>
/// <param name="Key">Own key.</param>
/// <param name="Revision">Its create revision: the place in the line.</param>
internal readonly record struct QueuedKey(Bytes Key, long Revision);

/// <summary>Waits in line: a key per waiter, first come first served by create revision, as etcd's own clients do it.</summary>
internal sealed class Queueing(ConclaveClient client, string name)
{
    public static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(100);

    public KeyRange All { get; } = KeyRange.Prefix(name + "/");

    public Bytes KeyOf(long lease) => lease < 0
        ? $"{name}/-{(0UL - (ulong)lease).ToString("x", CultureInfo.InvariantCulture)}"
        : $"{name}/{lease.ToString("x", CultureInfo.InvariantCulture)}";

    /// <summary>Joins the line at its end.</summary>
    public async ValueTask<QueuedKey> EnterAsync(OwnLease lease, Bytes value, CancellationToken cancellationToken)
    {
        Bytes key = KeyOf(lease.Id);
        while (true)
        {
            try
            {
                TxnResult result = await client.Txn()
                    .When(Condition.CreateRevision(key, Relation.Equal, 0))
                    .Then(Operation.Put(key, value, new PutOptions { LeaseId = lease.Id }))
                    .Else(Operation.Get(key))
                    .CommitAsync(cancellationToken).ConfigureAwait(false);
                return new QueuedKey(key, result.Succeeded ? result.Header.Revision : ((RangeResult)result.Results[0]).Items[0].CreateRevision);
            }
            catch (OutcomeUnknownException)
            {
                // Doing it twice does no harm: the second time finds the key. Ends with the lease, whose end is in the token.
                await Task.Delay(RetryInterval, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Joins the line if there is none.</summary>
    /// <returns>Null when somebody holds or waits.</returns>
    public async ValueTask<QueuedKey?> TryEnterAsync(OwnLease lease, Bytes value, CancellationToken cancellationToken)
    {
        Bytes key = KeyOf(lease.Id);
        TxnResult result = await client.Txn()
            .When(Condition.CreateRevision(All, Relation.Equal, 0))   // holds for an empty range
            .Then(Operation.Put(key, value, new PutOptions { LeaseId = lease.Id }))
            .CommitAsync(cancellationToken).ConfigureAwait(false);
        return result.Succeeded ? new QueuedKey(key, result.Header.Revision) : null;
    }

    /// <summary>Waits until all who came before are gone.</summary>
    /// <returns>False when the own key is gone: the lease ended, or somebody deleted it.</returns>
    /// <remarks>One read shows both the own key and the one before it, and that read is linearizable: so whoever is told that it holds did so after it asked.</remarks>
    public async ValueTask<bool> WaitAsync(QueuedKey own, CancellationToken cancellationToken)
    {
        var lastTwo = new ReadOptions { CreateRevisionMax = own.Revision, SortBy = SortBy.CreateRevision, SortOrder = SortOrder.Descending, Limit = 2, KeysOnly = true };
        while (true)
        {
            try
            {
                RangeResult found = await client.RangeAsync(All, lastTwo, cancellationToken).ConfigureAwait(false);
                ImmutableArray<KeyValue> line = found.Items;
                if (line.IsEmpty || line[0].Key != own.Key || line[0].CreateRevision != own.Revision) return false;
                if (line.Length == 1) return true;
                await DeletionAsync(line[1].Key, found.Header.Revision + 1, cancellationToken).ConfigureAwait(false);
            }
            catch (UnavailableException)
            {
                await Task.Delay(RetryInterval, cancellationToken).ConfigureAwait(false);   // the place in the line is kept as long as the lease lives
            }
            catch (CompactedException)
            {
                // Look again.
            }
        }
    }

    private async ValueTask DeletionAsync(Bytes key, long revision, CancellationToken cancellationToken)
    {
        await foreach (WatchUpdate update in client.WatchAsync(key, new WatchOptions { StartRevision = revision, SkipPuts = true }, cancellationToken).ConfigureAwait(false))
        {
            if (!update.Events.IsEmpty) return;
        }
    }
}
