using System.Collections.Immutable;

namespace Conclave.Cli.Members;

/// <summary>One member as it was seen just now: what the list says of it, and its own answer if there was one.</summary>
internal sealed record MemberSight
{
    /// <summary>0 for a member that a plan is only going to add.</summary>
    public required ulong Id { get; init; }

    /// <summary>Empty until it has started once.</summary>
    public required string Name { get; init; }

    public required ImmutableArray<string> PeerUrls { get; init; }

    public ImmutableArray<string> ClientUrls { get; init; } = [];

    public required bool IsLearner { get; init; }

    /// <summary>Whether it answered when asked for its state.</summary>
    public required bool Answers { get; init; }

    /// <summary>Whom it follows; 0 when it sees no leader or did not answer.</summary>
    public ulong LeaderId { get; init; }

    public ulong Term { get; init; }

    /// <summary>Last entry of its log.</summary>
    public ulong LogIndex { get; init; }

    public bool IsStarted => Name.Length > 0;

    /// <summary>As people call it: its name, or its id before it has one.</summary>
    public string Label => IsStarted ? Name : Id == 0 ? "the new member" : Output.Display.Id(Id);
}

/// <summary>A cluster as it was seen just now. What follows from it for a majority is computed here and nowhere else.</summary>
internal sealed record ClusterSight(ImmutableArray<MemberSight> Members)
{
    /// <summary>Id of the leader that is in the latest term and answered itself; 0 when there is none.</summary>
    public ulong LeaderId => Members.Where(member => member.Answers && member.Id != 0 && member.LeaderId == member.Id)
        .MaxBy(member => member.Term)?.Id ?? 0;

    public MemberSight? Leader => LeaderId is not 0 and ulong id ? Members.First(member => member.Id == id) : null;

    public ImmutableArray<MemberSight> Voters => [.. Members.Where(member => !member.IsLearner)];

    /// <summary>Voters that must agree on every change.</summary>
    public int Quorum => Voters.Length / 2 + 1;

    /// <summary>Voters that count for a majority now: they answered and follow the leader.</summary>
    public int LiveVoters => Voters.Count(IsLive);

    /// <summary>Voters that may still fail before nothing can be written; negative when it is so already.</summary>
    public int SpareVoters => LiveVoters - Quorum;

    /// <summary>Whether it answered and follows the leader. One that sees no leader, or another, helps no majority.</summary>
    public bool IsLive(MemberSight member) => member.Answers && LeaderId != 0 && member.LeaderId == LeaderId;

    /// <summary>Whether the log of a member is within a tenth of the leader's: the rule by which servers let a learner vote.</summary>
    public bool IsInSync(MemberSight member) => Leader is { } leader && (UInt128)member.LogIndex * 10 >= (UInt128)leader.LogIndex * 9;

    /// <summary>By name or by hexadecimal id; null when there is none, or more than one.</summary>
    public MemberSight? Find(string who) => FindAll(who) is [var only] ? only : null;

    /// <summary>All that are called so or have this id.</summary>
    public ImmutableArray<MemberSight> FindAll(string who) =>
        [.. Members.Where(member => (member.IsStarted && member.Name == who) || (member.Id != 0 && Output.Display.Id(member.Id) == who.ToLowerInvariant().TrimStart('0')))];

    public ClusterSight With(MemberSight changed) => new([.. Members.Select(member => member.Id == changed.Id ? changed : member)]);

    public ClusterSight Without(MemberSight gone) => new([.. Members.Where(member => member.Id != gone.Id)]);

    public ClusterSight Plus(MemberSight added) => new([.. Members, added]);
}
