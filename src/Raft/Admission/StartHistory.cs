using System.Collections.Immutable;

namespace Conclave.Raft;

/// <summary>One opening of a data directory.</summary>
/// <param name="Boot">How often the directory had been opened by then, this time included.</param>
/// <param name="Nonce">Drawn at random at that opening.</param>
public readonly record struct MemberStart(ulong Boot, Guid Nonce);

/// <summary>Which starts of a data directory led to the present one. Kept in the directory itself, so that a copy of it has the starts before the copy and its own, and never those that the original made since.</summary>
/// <remarks>
/// <para>A number of starts alone does not tell a copy: each start of the copy raises it. So what somebody else remembers of a member has to appear among the starts that the member shows.</para>
/// <para>The list is bounded, and somebody who was away for longer than it reaches remembers a start that has fallen out of it. That is why the start that each other member is known to
/// remember is kept beside it: <see cref="ConfirmedBy"/>. Pure and immutable; nobody may be shown anything before it is durable.</para>
/// </remarks>
public sealed record StartHistory
{
    /// <summary>Starts that are kept whoever has met them.</summary>
    public const int RecentMax = 64;

    /// <summary>Others whose confirmation is kept; beyond it the one with the oldest start goes.</summary>
    public const int ConfirmedMax = Membership.MembersMax;

    public static StartHistory None { get; } = new([], ImmutableSortedDictionary<NodeId, MemberStart>.Empty);

    private StartHistory(ImmutableArray<MemberStart> recent, ImmutableSortedDictionary<NodeId, MemberStart> confirmed) => (Recent, Confirmed) = (recent, confirmed);

    /// <summary>The last starts, the present one last; at most <see cref="RecentMax"/>.</summary>
    public ImmutableArray<MemberStart> Recent { get; }

    /// <summary>For each other member the last start that it was known to remember; at most <see cref="ConfirmedMax"/>.</summary>
    public ImmutableSortedDictionary<NodeId, MemberStart> Confirmed { get; }

    /// <summary>With one more start, which is the present one.</summary>
    public StartHistory Begin(MemberStart start) => new([.. Recent[Math.Max(0, Recent.Length + 1 - RecentMax)..], start], Confirmed);

    /// <summary>That member let the present start in, so it remembers it durably.</summary>
    public StartHistory ConfirmedBy(NodeId member) => Recent.IsEmpty ? this : Confirm(member, Recent[^1]);

    /// <summary>What a member is shown: in no particular order, and without saying which is which.</summary>
    public ImmutableArray<MemberStart> ShownTo(NodeId member) =>
        Confirmed.TryGetValue(member, out MemberStart confirmed) && !Recent.Contains(confirmed) ? Recent.Add(confirmed) : Recent;

    /// <summary>Puts together what was saved; starts in the order in which they were made.</summary>
    public static StartHistory FromSaved(IEnumerable<MemberStart> recent, IEnumerable<KeyValuePair<NodeId, MemberStart>> confirmed)
    {
        StartHistory history = None;
        foreach (MemberStart start in recent) history = history.Begin(start);
        foreach ((NodeId member, MemberStart start) in confirmed) history = history.Confirm(member, start);
        return history;
    }

    private StartHistory Confirm(NodeId member, MemberStart start)
    {
        if (Confirmed.TryGetValue(member, out MemberStart known) && known == start) return this;
        ImmutableSortedDictionary<NodeId, MemberStart> confirmed = Confirmed.SetItem(member, start);
        if (confirmed.Count > ConfirmedMax) confirmed = confirmed.Remove(confirmed.MinBy(c => c.Key == member ? ulong.MaxValue : c.Value.Boot).Key);
        return new StartHistory(Recent, confirmed);
    }
}
