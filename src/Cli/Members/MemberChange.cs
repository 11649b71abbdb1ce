using System.Collections.Immutable;

namespace Conclave.Cli.Members;

/// <summary>A change of the members that a person asked for. Members are named by their name or their id.</summary>
internal abstract record MemberChange;

/// <param name="Name">What it is going to be called; only for the flags that are printed.</param>
/// <param name="PeerUrls">Where the others are going to reach it.</param>
/// <param name="AsLearner">It does not vote until it is promoted.</param>
internal sealed record AddMember(string Name, ImmutableArray<string> PeerUrls, bool AsLearner) : MemberChange;

internal sealed record PromoteMember(string Who) : MemberChange;

internal sealed record RemoveMember(string Who) : MemberChange;

internal sealed record UpdateMember(string Who, ImmutableArray<string> PeerUrls) : MemberChange;

internal sealed record MoveLeader(string Who) : MemberChange;

/// <param name="Who">The member that goes.</param>
/// <param name="Name">Name of the one that comes; null for that of the one that goes.</param>
/// <param name="PeerUrls">Where the others are going to reach it; may be those of the one that goes.</param>
internal sealed record ReplaceMember(string Who, string? Name, ImmutableArray<string> PeerUrls) : MemberChange;
