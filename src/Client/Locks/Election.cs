using System.Runtime.CompilerServices;
using Conclave.Client.Routing;

namespace Conclave.Client.Locks;

/// <summary>See <see cref="IElection"/>.</summary>
internal sealed class Election(ConclaveClient client, CallRouter router, string name, LockOptions options) : IElection
{
    private readonly DistributedLock _lock = new(client, router, name, options);
    private readonly KeyRange _all = KeyRange.Prefix(name + "/");

    public string Name => name;

    public async ValueTask<ILeadership> CampaignAsync(CancellationToken cancellationToken = default) =>
        (await _lock.WaitAsync(timeout: null, cancellationToken).ConfigureAwait(false))!;   // only a time limit gives null

    public async IAsyncEnumerable<LeaderInfo?> ObserveAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var first = new ReadOptions { SortBy = SortBy.CreateRevision, SortOrder = SortOrder.Ascending, Limit = 1 };
        bool toldNobody = false;
        long toldRevision = 0;
        while (true)
        {
            RangeResult found;
            try
            {
                found = await client.RangeAsync(_all, first, cancellationToken).ConfigureAwait(false);
            }
            catch (UnavailableException) when (toldNobody || toldRevision > 0)
            {
                await Task.Delay(Queueing.RetryInterval, cancellationToken).ConfigureAwait(false);   // once it ran it goes on, as a watch does
                continue;
            }

            if (found.Items.IsEmpty)
            {
                if (!toldNobody) yield return null;
                (toldNobody, toldRevision) = (true, 0);
                await ChangeAsync(_all, found.Header.Revision + 1, skipDeletes: true, cancellationToken).ConfigureAwait(false);
                continue;
            }

            KeyValue leader = found.Items[0];
            if (leader.ModRevision != toldRevision) yield return new LeaderInfo(leader.Key, leader.Value, leader.CreateRevision);
            (toldNobody, toldRevision) = (false, leader.ModRevision);
            await ChangeAsync(leader.Key, found.Header.Revision + 1, skipDeletes: false, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask ChangeAsync(KeyRange range, long revision, bool skipDeletes, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (WatchUpdate update in client.WatchAsync(range, new WatchOptions { StartRevision = revision, SkipDeletes = skipDeletes }, cancellationToken).ConfigureAwait(false))
            {
                if (!update.Events.IsEmpty) return;
            }
        }
        catch (Exception lost) when (lost is CompactedException or UnavailableException)
        {
            // Look again.
        }
    }
}
