using System.Collections.Immutable;
using Conclave.Client.Routing;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf.Collections;

namespace Conclave.Client;

/// <summary>The members of the cluster. Changes are refused while they would endanger the majority.</summary>
public sealed class MemberClient
{
    private readonly CallRouter _router;

    internal MemberClient(CallRouter router) => _router = router;

    /// <summary>Lists the members.</summary>
    /// <param name="linearizable">True: as the leader knows them, which needs a majority. False: as the asked member does.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async ValueTask<MemberList> ListAsync(bool linearizable = true, CancellationToken cancellationToken = default)
    {
        MemberListRequest request = new() { Linearizable = linearizable };
        MemberListResponse response = await _router.ReadAsync(Calls.MemberList, request, cancellationToken, linearizable).ConfigureAwait(false);
        return List(response.Header, response.Members);
    }

    /// <summary>Adds a member, which must then be started; as a learner it does not vote until promoted.</summary>
    /// <returns>The new member.</returns>
    public async ValueTask<Member> AddAsync(ImmutableArray<string> peerUrls, bool asLearner = false, CancellationToken cancellationToken = default)
    {
        MemberAddRequest request = new() { PeerURLs = { peerUrls }, IsLearner = asLearner };
        return Member.Of((await _router.WriteAsync(Calls.MemberAdd, request, cancellationToken).ConfigureAwait(false)).Member);
    }

    /// <summary>Removes a member; it stops by itself.</summary>
    public async ValueTask<MemberList> RemoveAsync(ulong id, CancellationToken cancellationToken = default)
    {
        MemberRemoveRequest request = new() { ID = id };
        MemberRemoveResponse response = await _router.WriteAsync(Calls.MemberRemove, request, cancellationToken).ConfigureAwait(false);
        return List(response.Header, response.Members);
    }

    /// <summary>Changes where other members reach a member.</summary>
    public async ValueTask<MemberList> UpdateAsync(ulong id, ImmutableArray<string> peerUrls, CancellationToken cancellationToken = default)
    {
        MemberUpdateRequest request = new() { ID = id, PeerURLs = { peerUrls } };
        MemberUpdateResponse response = await _router.WriteAsync(Calls.MemberUpdate, request, cancellationToken).ConfigureAwait(false);
        return List(response.Header, response.Members);
    }

    /// <summary>Makes a learner that has caught up a voter.</summary>
    public async ValueTask<MemberList> PromoteAsync(ulong id, CancellationToken cancellationToken = default)
    {
        MemberPromoteRequest request = new() { ID = id };
        MemberPromoteResponse response = await _router.WriteAsync(Calls.MemberPromote, request, cancellationToken).ConfigureAwait(false);
        return List(response.Header, response.Members);
    }

    private static MemberList List(Wire.Etcd.Etcdserverpb.ResponseHeader? header, RepeatedField<Wire.Etcd.Etcdserverpb.Member> members) =>
        new(ResponseHeader.Of(header), [.. members.Select(Member.Of)]);
}
