using System.Collections.Immutable;

namespace Conclave.Client;

/// <summary>A member of the cluster.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name; empty until it has started once.</param>
/// <param name="PeerUrls">Where other members reach it.</param>
/// <param name="ClientUrls">Where clients reach it; empty until it has started once.</param>
/// <param name="IsLearner">True for one that does not vote yet.</param>
public sealed record Member(ulong Id, string Name, ImmutableArray<string> PeerUrls, ImmutableArray<string> ClientUrls, bool IsLearner)
{
    internal static Member Of(Wire.Etcd.Etcdserverpb.Member wire) => new(wire.ID, wire.Name, [.. wire.PeerURLs], [.. wire.ClientURLs], wire.IsLearner);
}

/// <summary>The members at one time.</summary>
/// <param name="Header">Who answered.</param>
/// <param name="Members">All members.</param>
public sealed record MemberList(ResponseHeader Header, ImmutableArray<Member> Members);
