using System.Buffers;
using Conclave.Node.Http;
using Conclave.Node.Options;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Node.Services;

/// <summary>etcdserverpb.Cluster: who the members are. Changing them is not served yet.</summary>
internal sealed class ClusterService(ServiceContext context)
{
    public void AddTo(RpcRegistry registry) =>
        registry.Add(RpcMethod.ForUnary("/etcdserverpb.Cluster/MemberList", MemberListRequest.Descriptor, MemberListResponse.Descriptor, MemberListAsync, "/v3/cluster/member/list"));

    /// <summary>The members, with what each has said of itself through the log since it started.</summary>
    public static IEnumerable<Member> Members(ClusterIdentity cluster, StoreView view)
    {
        foreach (ClusterMember known in cluster.Members)
        {
            Member member = view.MemberAttributes.TryGetValue(known.Id.Value, out ReadOnlyMemory<byte> said)
                ? Member.Parser.ParseFrom(said.Span)
                : new Member();
            member.ID = known.Id.Value;
            member.PeerURLs.Clear();
            member.PeerURLs.Add(known.PeerUrls.Select(NodeOptions.Plain));
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

    private async ValueTask MemberListAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        if (LeaseService.Parse(MemberListRequest.Parser, request).Linearizable) await context.ConfirmReadAsync(call).ConfigureAwait(false);
        var answer = new MemberListResponse { Header = context.Responses.Header(revision: 0) };
        answer.Members.Add(Members(context.Cluster, context.View));
        ResponseWriter.Write(response, answer);
    }
}
