using System.Collections.Immutable;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Node.Tls;
using Conclave.Raft;
using Conclave.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Node.Tests.Peers;

/// <summary>What a member knows and shows, put together without a node.</summary>
internal static class TestGate
{
    public const ulong ClusterId = 7;

    /// <summary>Knows these members, which are called n1, n2 and so on; all of them vote.</summary>
    public static PeerGate Of(NodeId self, MemberCredentials own, IReadOnlyList<(NodeId Id, Uri Url)> members, IFileSystem? files = null, TlsSide? tls = null)
    {
        MemberDirectory directory = Directory(self, members);
        KnownIncarnations known = KnownIncarnations.Open(files ?? new SimulatedFileSystem(seed: 1), "/data/member", directory, [], NullLogger.Instance);
        return new PeerGate(directory, known, () => own, [members.First(m => m.Id == self).Url], NullLogger.Instance) { Tls = tls };
    }

    public static MemberDirectory Directory(NodeId self, IReadOnlyList<(NodeId Id, Uri Url)> members)
    {
        ImmutableArray<ClusterMember> named = [.. members.Select((m, i) => new ClusterMember(m.Id, $"n{i + 1}", [m.Url]))];
        return new MemberDirectory(new ClusterIdentity(ClusterId, self, named), Membership.Of([.. members.Select(m => m.Id)]));
    }

    public static MemberCredentials Credentials(ulong boot = 1) => new(Guid.NewGuid(), boot, Guid.NewGuid(), LogIndex.Zero, EntryId.Zero);
}

/// <summary>Takes every frame and every link, and does nothing.</summary>
internal sealed class NoPeers : IPeerHandler, IPeerLinkHandler
{
    public bool OnFrame(NodeId from, PeerFrameKind kind, ReadOnlyMemory<byte> body) => true;

    public void OnFramesEnd(NodeId from)
    {
    }

    public void OnLink(NodeId peer, bool up)
    {
    }

    public void OnRemoved(NodeId by)
    {
    }
}
