using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Conclave.Node.Options;
using Conclave.Node.Tls;
using Conclave.Raft;

namespace Conclave.Node.Peers;

/// <summary>How somebody who is to join learns which cluster it is, and who in it: asked over the peer port, answered from the committed membership.</summary>
/// <remarks>
/// <code>
///  | bodyBytes u32 | crc32c u32 of the body | cluster u64 | members u16 | per member: id u64, urlBytes u16, URLs, nameBytes u16, name |   after the welcome
/// </code>
/// It changes nothing and tells nothing that the member list does not tell.
/// </remarks>
internal static class Introduction
{
    private const int BodyBytesMax = 256 << 10;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    /// <summary>What a member answers; null while it knows no members itself.</summary>
    public static byte[]? Answer(MemberDirectory members)
    {
        Membership committed = members.Committed;
        if (committed.Voters.IsEmpty) return null;
        var body = new MemoryStream();
        using var writer = new BinaryWriter(body, Encoding.UTF8);
        writer.Write(members.ClusterId);
        ImmutableArray<NodeId> all = committed.Members();
        writer.Write((ushort)all.Length);
        foreach (NodeId node in all)
        {
            writer.Write(node.Value);
            WriteText(writer, string.Join(',', members.UrlsOf(node).Select(NodeOptions.Plain)));
            WriteText(writer, members.NameOf(node));
        }

        writer.Flush();
        byte[] answer = new byte[8 + body.Length];
        body.ToArray().CopyTo(answer, 8);
        BinaryPrimitives.WriteInt32LittleEndian(answer, (int)body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(answer.AsSpan(4), PeerFrame.Crc(answer.AsSpan(8)));
        return answer;
    }

    /// <summary>Asks one member. <see cref="ClusterIdentity.Self"/> of the answer is None.</summary>
    /// <exception cref="Exception">It did not answer, or not in a way that makes sense; every one of the kinds that sockets throw.</exception>
    public static async Task<ClusterIdentity> AskAsync(Uri url, TlsSide? tls, CancellationToken cancellationToken)
    {
        var hello = new PeerHello(PeerConnectionKind.Introduce, 0, NodeId.None, NodeId.None, default, "");
        using PeerConnection connection = await PeerLink.DialAsync(url, hello, gate: null, cancellationToken, tls).ConfigureAwait(false);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerTimeout);
        byte[] head = new byte[8];
        await PeerLink.ReceiveExactlyAsync(connection, head, limit.Token).ConfigureAwait(false);
        int bytes = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (bytes is < 10 or > BodyBytesMax) throw new IOException("it does not know any members yet, or answered with something else");
        byte[] body = new byte[bytes];
        await PeerLink.ReceiveExactlyAsync(connection, body, limit.Token).ConfigureAwait(false);
        if (PeerFrame.Crc(body) != BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(4))) throw new IOException("the answer arrived damaged");
        return Decode(body);
    }

    internal static ClusterIdentity Decode(byte[] body)
    {
        using var reader = new BinaryReader(new MemoryStream(body), Encoding.UTF8);
        ulong cluster = reader.ReadUInt64();
        var members = ImmutableArray.CreateBuilder<ClusterMember>();
        for (int left = reader.ReadUInt16(); left > 0; left--)
        {
            var id = new NodeId(reader.ReadUInt64());
            ImmutableArray<Uri> urls = MemberUrls.Decode(reader.ReadBytes(reader.ReadUInt16()));
            members.Add(new ClusterMember(id, Encoding.UTF8.GetString(reader.ReadBytes(reader.ReadUInt16())), urls));
        }

        return new ClusterIdentity(cluster, NodeId.None, members.ToImmutable());
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ushort)bytes.Length);
        writer.Write(bytes);
    }
}
