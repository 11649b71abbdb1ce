using System.Collections.Immutable;
using System.Globalization;

namespace Conclave.Client.Locks;

/// <summary>A key in the line for a name.</summary>
/// <param name="Key">Own key.</param>
/// <param name="Revision">Its create revision: the place in the line.</param>
internal readonly record struct QueuedKey(Bytes Key, long Revision);

/// <summary>Waits in line: a key per waiter, first come first served by create revision, as etcd's own clients do it.</summary>
/// <param name="client">Where the line is.</param>
/// <param name="name">Of the line.</param>
/// <param name="slots">So many of the first hold at a time.</param>
internal sealed class Queueing(ConclaveClient client, string name, int slots = 1)
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

    /// <summary>Whether fewer came before than may hold, as of now.</summary>
    public async ValueTask<bool> IsFirstAsync(QueuedKey own, CancellationToken cancellationToken)
    {
        ImmutableArray<KeyValue> line = (await client.RangeAsync(All, UpTo(own), cancellationToken).ConfigureAwait(false)).Items;
        return HasOwn(line, own) && line.Length <= slots;
    }

    /// <summary>Waits until fewer of those who came before are left than may hold.</summary>
    /// <returns>False when the own key is gone: the lease ended, or somebody deleted it.</returns>
    /// <remarks>One read shows both the own key and those before it, and that read is linearizable: so whoever is told that it holds did so after it asked.</remarks>
    public async ValueTask<bool> WaitAsync(QueuedKey own, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                RangeResult found = await client.RangeAsync(All, UpTo(own), cancellationToken).ConfigureAwait(false);
                ImmutableArray<KeyValue> line = found.Items;
                if (!HasOwn(line, own)) return false;
                if (line.Length <= slots) return true;
                // With one place only the one right before can make room; with several, each of those before.
                await DeletionAsync(slots == 1 ? KeyRange.Single(line[1].Key) : All, found.Header.Revision + 1, cancellationToken).ConfigureAwait(false);
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

    /// <summary>The own key, and of those before it as many as make it wait.</summary>
    private ReadOptions UpTo(QueuedKey own) =>
        new() { CreateRevisionMax = own.Revision, SortBy = SortBy.CreateRevision, SortOrder = SortOrder.Descending, Limit = slots + 1, KeysOnly = true };

    private static bool HasOwn(ImmutableArray<KeyValue> line, QueuedKey own) => !line.IsEmpty && line[0].Key == own.Key && line[0].CreateRevision == own.Revision;

    private async ValueTask DeletionAsync(KeyRange keys, long revision, CancellationToken cancellationToken)
    {
        await foreach (WatchUpdate update in client.WatchAsync(keys, new WatchOptions { StartRevision = revision, SkipPuts = true }, cancellationToken).ConfigureAwait(false))
        {
            if (!update.Events.IsEmpty) return;
        }
    }
}
