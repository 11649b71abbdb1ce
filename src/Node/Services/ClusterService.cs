using System.Buffers;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Conclave.Node.Consensus;
using Conclave.Node.Http;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Services;

/// <summary>etcdserverpb.Cluster: who the members are, and changes of it. Any member serves it; the leader carries changes out.</summary>
/// <remarks>
/// One difference to etcd: a member that is added as a voter receives the log as a learner first and becomes a voter by itself once it has caught up. Until
/// then it counts in no majority, so adding a member that never starts, or has a wrong address, cannot stop the cluster.
/// </remarks>
internal sealed class ClusterService(ServiceContext context)
{
    private const int SaltBytes = 16;

    public void AddTo(RpcRegistry registry)
    {
        registry.Add(RpcMethod.ForUnary<MemberListRequest, MemberListResponse>("/etcdserverpb.Cluster/MemberList", MemberListAsync, "/v3/cluster/member/list"));
        registry.Add(RpcMethod.ForUnary<MemberAddRequest, MemberAddResponse>("/etcdserverpb.Cluster/MemberAdd", MemberAddAsync, "/v3/cluster/member/add"));
        registry.Add(RpcMethod.ForUnary<MemberRemoveRequest, MemberRemoveResponse>("/etcdserverpb.Cluster/MemberRemove", MemberRemoveAsync, "/v3/cluster/member/remove"));
        registry.Add(RpcMethod.ForUnary<MemberUpdateRequest, MemberUpdateResponse>("/etcdserverpb.Cluster/MemberUpdate", MemberUpdateAsync, "/v3/cluster/member/update"));
        registry.Add(RpcMethod.ForUnary<MemberPromoteRequest, MemberPromoteResponse>("/etcdserverpb.Cluster/MemberPromote", MemberPromoteAsync, "/v3/cluster/member/promote"));
    }

    /// <summary>The members, with what each has said of itself through the log since it started.</summary>
    public static IEnumerable<Member> Members(MemberDirectory members, StoreView view)
    {
        Membership committed = members.Committed;
        foreach (NodeId node in committed.Members())
        {
            Member member = view.MemberAttributes.TryGetValue(node.Value, out ReadOnlyMemory<byte> said)
                ? Member.Parser.ParseFrom(said.Span)
                : new Member();
            member.ID = node.Value;
            member.IsLearner = !committed.IsVoter(node);
            member.PeerURLs.Clear();
            member.PeerURLs.Add(members.UrlsOf(node).Select(NodeOptions.Plain));
            yield return member;
        }
    }

    /// <summary>What this member says of itself.</summary>
    public static byte[] OwnAttributes(NodeOptions options)
    {
        var self = new Member { Name = options.Name };
        self.ClientURLs.Add(options.AdvertiseClientUrls.Select(NodeOptions.Plain));
        return self.ToByteArray();
    }

    /// <summary>The name in what a member said of itself; null when there is none.</summary>
    public static string? NameIn(ReadOnlySpan<byte> attributes) => Member.Parser.ParseFrom(attributes).Name is { Length: > 0 } name ? name : null;

    private async ValueTask MemberListAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        await context.Auth.RequireUserAsync(call).ConfigureAwait(false);
        if (LeaseService.Parse(MemberListRequest.Parser, request).Linearizable) await context.ConfirmReadAsync(call).ConfigureAwait(false);
        var answer = new MemberListResponse { Header = Header() };
        answer.Members.Add(List());
        ResponseWriter.Write(response, answer);
    }

    private async ValueTask MemberAddAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        await context.Auth.RequireAdminOfNowAsync(call).ConfigureAwait(false);
        MemberAddRequest asked = LeaseService.Parse(MemberAddRequest.Parser, request);
        ImmutableArray<Uri> urls = UrlsIn(asked.PeerURLs);
        if (!context.Replica.TryListen()) throw new GrpcException(NotListening);
        NodeId id = NewId(urls);
        MembershipChangeKind kind = asked.IsLearner ? MembershipChangeKind.AddLearner : MembershipChangeKind.AddVoter;
        await ChangeAsync(call, new MembershipChange(kind, id, [MemberUrls.InfoOf(id, urls)])).ConfigureAwait(false);

        var member = new Member { ID = id.Value, IsLearner = asked.IsLearner };
        member.PeerURLs.Add(urls.Select(NodeOptions.Plain));
        var answer = new MemberAddResponse { Header = Header(), Member = member };
        answer.Members.Add(List());
        ResponseWriter.Write(response, answer);
    }

    private async ValueTask MemberRemoveAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        await context.Auth.RequireAdminOfNowAsync(call).ConfigureAwait(false);
        var id = new NodeId(LeaseService.Parse(MemberRemoveRequest.Parser, request).ID);
        await ChangeAsync(call, new MembershipChange(MembershipChangeKind.Remove, id, [])).ConfigureAwait(false);
        var answer = new MemberRemoveResponse { Header = Header() };
        answer.Members.Add(List());
        ResponseWriter.Write(response, answer);
    }

    private async ValueTask MemberUpdateAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        await context.Auth.RequireAdminOfNowAsync(call).ConfigureAwait(false);
        MemberUpdateRequest asked = LeaseService.Parse(MemberUpdateRequest.Parser, request);
        ImmutableArray<Uri> urls = UrlsIn(asked.PeerURLs);
        var id = new NodeId(asked.ID);
        await ChangeAsync(call, new MembershipChange(MembershipChangeKind.Describe, NodeId.None, [MemberUrls.InfoOf(id, urls)])).ConfigureAwait(false);
        var answer = new MemberUpdateResponse { Header = Header() };
        answer.Members.Add(List());
        ResponseWriter.Write(response, answer);
    }

    private async ValueTask MemberPromoteAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        await context.Auth.RequireAdminOfNowAsync(call).ConfigureAwait(false);
        var id = new NodeId(LeaseService.Parse(MemberPromoteRequest.Parser, request).ID);
        await ChangeAsync(call, new MembershipChange(MembershipChangeKind.Promote, id, [])).ConfigureAwait(false);
        var answer = new MemberPromoteResponse { Header = Header() };
        answer.Members.Add(List());
        ResponseWriter.Write(response, answer);
    }

    /// <summary>Alone, a member may run without its peer port; it cannot have others then.</summary>
    private static readonly GrpcStatus NotListening = new(GrpcCode.FailedPrecondition,
        "conclave: this member cannot listen on its --listen-peer-urls, so nobody could join it. Free the address, or restart it with another one, then try again.");

    private static readonly GrpcStatus TooMany = new(GrpcCode.ResourceExhausted,
        $"conclave: a cluster has at most {Membership.MembersMax} members, and {Membership.EncodedBytesMax} bytes to describe them. Remove a member first.");

    private IEnumerable<Member> List() => Members(context.Replica.Members, context.View);

    private ResponseHeader Header() => context.Responses.Header(revision: 0);

    private async Task ChangeAsync(RpcContext call, MembershipChange change)
    {
        ChangeResult result = await context.Replica.Changes.ChangeAsync(change, call.Cancellation).ConfigureAwait(false);
        if (result.End != ChangeEnd.Done) throw new GrpcException(StatusOf(result.End, change));
    }

    private GrpcStatus StatusOf(ChangeEnd end, MembershipChange change) => end switch
    {
        ChangeEnd.AlreadyMember => EtcdErrors.MemberExists,
        ChangeEnd.NotMember => EtcdErrors.MemberNotFound,
        ChangeEnd.NotLearner => EtcdErrors.MemberNotLearner,
        ChangeEnd.NotCaughtUp => EtcdErrors.LearnerNotReady,
        ChangeEnd.LastVoter => EtcdErrors.MemberNotEnoughStarted,
        ChangeEnd.WouldLoseQuorum => EnoughStarted(change) ? EtcdErrors.Unhealthy : EtcdErrors.MemberNotEnoughStarted,
        ChangeEnd.TooManyLearners => EtcdErrors.TooManyLearners,
        ChangeEnd.UrlInUse => EtcdErrors.PeerUrlExists,
        ChangeEnd.TooMany => TooMany,
        _ => EtcdErrors.Timeout,
    };

    /// <summary>Whether a majority of the voters after the change have ever said who they are.</summary>
    private bool EnoughStarted(MembershipChange change)
    {
        Membership committed = context.Replica.Members.Committed;
        var voters = committed.Voters.Where(v => change.Kind != MembershipChangeKind.Remove || v != change.Node).ToHashSet();
        if (change.Kind == MembershipChangeKind.Promote) voters.Add(change.Node);
        return 2 * voters.Count(v => context.View.MemberAttributes.ContainsKey(v.Value)) > voters.Count;
    }

    private NodeId NewId(ImmutableArray<Uri> urls)
    {
        while (true)
        {
            NodeId id = ClusterIdentity.NewMemberId(urls, RandomNumberGenerator.GetBytes(SaltBytes));
            if (!context.Replica.Members.Includes(id)) return id;   // one chance in 2^64 for each member there is
        }
    }

    private static ImmutableArray<Uri> UrlsIn(IReadOnlyCollection<string> texts)
    {
        var urls = ImmutableArray.CreateBuilder<Uri>();
        foreach (string text in texts)
        {
            if (!MemberUrls.TryParse(text, out Uri? url)) throw new GrpcException(EtcdErrors.MemberBadUrls);
            urls.Add(url);
        }

        return urls.Count > 0 ? urls.ToImmutable() : throw new GrpcException(EtcdErrors.MemberBadUrls);
    }
}
