using Conclave.Client.Rpc;
using Conclave.Processes.Rpc;
using Conclave.Wire.Etcd.V3Electionpb;

namespace Conclave.Processes.Locks;

/// <summary>Listens who leads, through one member after the other.</summary>
internal sealed class ElectionObserver(int id, string name, IReadOnlyList<MemberClient> members)
{
    public List<LeaderSeen> Seen { get; } = [];

    public async Task RunAsync(CancellationToken stop)
    {
        for (int turn = id; !stop.IsCancellationRequested; turn++)
        {
            try
            {
                using var period = CancellationTokenSource.CreateLinkedTokenSource(stop);
                period.CancelAfter(TimeSpan.FromSeconds(5));   // then another member is asked
                await using RpcStream stream = await members[turn % members.Count].ObserveAsync(name, period.Token).ConfigureAwait(false);
                while (await stream.ReadAsync(period.Token).ConfigureAwait(false))
                    Seen.Add(new LeaderSeen(id, name, LeaderResponse.Parser.ParseFrom(stream.Message).Kv.CreateRevision));
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException)
            {
                await Task.Delay(50, CancellationToken.None).ConfigureAwait(false);   // the next member tells more
            }
        }
    }
}
