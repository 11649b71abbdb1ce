using System.Collections.Immutable;
using System.Globalization;
using Conclave.Client.Cluster;
using Conclave.Client.Routing;
using Conclave.Client.Rpc;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;

namespace Conclave.Client;

/// <summary>
/// State and care of single members. Calls with an endpoint ask just that one, once, and say at once when it cannot be reached;
/// null asks whichever the client uses.
/// </summary>
public sealed class MaintenanceClient
{
    private readonly CallRouter _router;

    internal MaintenanceClient(CallRouter router) => _router = router;

    /// <summary>State of one member.</summary>
    /// <param name="endpoint">One of the client's endpoints, or null.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async ValueTask<MemberStatus> StatusAsync(Uri? endpoint = null, CancellationToken cancellationToken = default) =>
        MemberStatus.Of(await _router.AskAsync(IndexOf(endpoint), Calls.Status, new StatusRequest(), writes: false, cancellationToken).ConfigureAwait(false));

    /// <summary>Hash over one member's whole store; for comparing a member with itself only.</summary>
    public async ValueTask<uint> HashAsync(Uri? endpoint = null, CancellationToken cancellationToken = default) =>
        (await _router.AskAsync(IndexOf(endpoint), Calls.Hash, new HashRequest(), writes: false, cancellationToken).ConfigureAwait(false)).Hash;

    /// <summary>Hash over the keys of one member as of a revision (0 is the newest), for comparing members.</summary>
    /// <exception cref="CompactedException">The revision is no longer kept.</exception>
    public async ValueTask<KeyHash> HashKvAsync(long revision = 0, Uri? endpoint = null, CancellationToken cancellationToken = default)
    {
        HashKVRequest request = new() { Revision = revision };
        HashKVResponse response = await _router.AskAsync(IndexOf(endpoint), Calls.HashKv, request, writes: false, cancellationToken).ConfigureAwait(false);
        return new KeyHash(ResponseHeader.Of(response.Header), response.Hash, response.CompactRevision, response.HashRevision);
    }

    /// <summary>Lets one member give unused space back; it answers nothing else meanwhile.</summary>
    public async ValueTask DefragmentAsync(Uri? endpoint = null, CancellationToken cancellationToken = default) =>
        await _router.AskAsync(IndexOf(endpoint), Calls.Defragment, new DefragmentRequest(), writes: true, cancellationToken).ConfigureAwait(false);

    /// <summary>Makes another member the leader. Only the leader can hand over, so it is looked for among the endpoints first.</summary>
    /// <param name="targetId">A voting member.</param>
    /// <param name="cancellationToken">Stops waiting; the leadership may still move.</param>
    /// <exception cref="UnavailableException">None of the endpoints that answer is the leader; nothing was asked.</exception>
    /// <exception cref="ConclaveException">FailedPrecondition: the target does not vote, or the leadership moved meanwhile.</exception>
    public async ValueTask MoveLeaderAsync(ulong targetId, CancellationToken cancellationToken = default)
    {
        MoveLeaderRequest request = new() { TargetID = targetId };
        int leader = await FindLeaderAsync(cancellationToken).ConfigureAwait(false);
        await _router.AskAsync(leader, Calls.MoveLeader, request, writes: true, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Alarms raised anywhere in the cluster.</summary>
    public async ValueTask<ImmutableArray<Alarm>> AlarmsAsync(CancellationToken cancellationToken = default)
    {
        AlarmRequest request = new() { Action = AlarmRequest.Types.AlarmAction.Get };
        return List(await _router.ReadAsync(Calls.Alarm, request, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Takes an alarm back, once its cause is gone.</summary>
    /// <returns>The alarms taken back.</returns>
    public async ValueTask<ImmutableArray<Alarm>> DisarmAsync(Alarm alarm, CancellationToken cancellationToken = default)
    {
        AlarmRequest request = new() { Action = AlarmRequest.Types.AlarmAction.Deactivate, MemberID = alarm.MemberId, Alarm = (AlarmType)alarm.Kind };
        return List(await _router.WriteAsync(Calls.Alarm, request, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Writes a snapshot of one member's whole store, its SHA-256 at the end included, and checks it.</summary>
    /// <param name="destination">Gets the bytes; on failure what was written is worthless.</param>
    /// <param name="endpoint">One of the client's endpoints, or null.</param>
    /// <param name="cancellationToken">Stops; there is no other time limit.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ConclaveException">DataLoss: what came does not match its checksum.</exception>
    public async ValueTask<long> SnapshotAsync(Stream destination, Uri? endpoint = null, CancellationToken cancellationToken = default)
    {
        RpcChannel channel = _router.Endpoints.Channels[IndexOf(endpoint)];
        try
        {
            StreamPass pass = await _router.PassAsync(requireLeader: false, cancellationToken).ConfigureAwait(false);
            await using RpcStream stream = await channel.OpenAsync(Methods.Snapshot, pass.Metadata, cancellationToken).ConfigureAwait(false);
            await stream.AskAsync(RequestFrame.Of(new SnapshotRequest()), cancellationToken).ConfigureAwait(false);
            stream.CompleteWrites();
            using SnapshotChecksum checksum = new();
            long bytes = 0;
            while (await stream.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                SnapshotResponse part = AnswerMessage.Read(SnapshotResponse.Parser, stream.Message, channel.Endpoint);
                checksum.Append(part.Blob.Span);
                await destination.WriteAsync(part.Blob.Memory, cancellationToken).ConfigureAwait(false);
                bytes += part.Blob.Length;
            }

            if (checksum.Matches()) return bytes;
            throw new ConclaveException(GrpcCode.DataLoss,
                $"The snapshot from {channel.Endpoint.Authority} does not match its checksum after {bytes} bytes. Take it again.",
                channel.Endpoint);
        }
        catch (RpcException failure)
        {
            throw ConclaveException.Of(failure, writes: false);
        }
    }

    private static ImmutableArray<Alarm> List(AlarmResponse response) =>
        [.. response.Alarms.Select(alarm => new Alarm(alarm.MemberID, (AlarmKind)alarm.Alarm))];

    private async ValueTask<int> FindLeaderAsync(CancellationToken cancellationToken)
    {
        MemberStatus?[] seen = await Task.WhenAll(_router.Endpoints.Channels.Select((_, index) => TryStatusAsync(index, cancellationToken))).ConfigureAwait(false);
        int leader = -1;
        for (int i = 0; i < seen.Length; i++)
        {
            // Of two that believe so, the one in the later term is right.
            if (seen[i] is { IsLeader: true } status && (leader < 0 || status.RaftTerm > seen[leader]!.RaftTerm)) leader = i;   // not null, one line before
        }

        if (leader >= 0) return leader;
        string known = string.Join(", ", seen.OfType<MemberStatus>().Select(status => status.LeaderId).Where(id => id != 0).Distinct().Select(id => id.ToString("x", CultureInfo.InvariantCulture)));
        throw new UnavailableException(GrpcCode.Unavailable, known.Length > 0
            ? $"None of the {seen.Length} endpoints is the leader; it is member {known}. Add its address to the endpoints."
            : $"None of the {seen.Length} endpoints knows a leader. Try again after an election.");
    }

    private async Task<MemberStatus?> TryStatusAsync(int endpoint, CancellationToken cancellationToken)
    {
        try
        {
            return MemberStatus.Of(await _router.AskAsync(endpoint, Calls.Status, new StatusRequest(), writes: false, cancellationToken).ConfigureAwait(false));
        }
        catch (ConclaveException)
        {
            return null;   // It is down: it does not lead.
        }
    }

    private int IndexOf(Uri? endpoint)
    {
        if (endpoint is null) return _router.Endpoints.Pick();
        for (int i = 0; i < _router.Endpoints.Channels.Length; i++)
        {
            if (_router.Endpoints.Channels[i].Endpoint == endpoint) return i;
        }

        throw new ArgumentException($"{endpoint} is not one of this client's endpoints.", nameof(endpoint));
    }
}
