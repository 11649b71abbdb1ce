using System.Collections.Immutable;

namespace Conclave.Cli.Members;

/// <summary>The flags that a new member is started with, so that it finds the others.</summary>
/// <param name="Name">Its --name.</param>
/// <param name="PeerUrls">Where the others reach it.</param>
/// <param name="InitialCluster">name=url of every member, the new one included.</param>
internal sealed record StartFlags(string Name, ImmutableArray<string> PeerUrls, string InitialCluster)
{
    public const string State = "existing";

    /// <param name="members">All, the new one included.</param>
    /// <param name="addedId">The new one, which has no name yet.</param>
    /// <param name="name">What it is going to be called.</param>
    public static StartFlags For(IEnumerable<MemberSight> members, ulong addedId, string name)
    {
        MemberSight[] all = [.. members];
        MemberSight added = all.First(member => member.Id == addedId);
        // A member that never started has no name that could be wrong; servers look at the addresses.
        string Name(MemberSight member) => member.Id == addedId ? name : member.IsStarted ? member.Name : Output.Display.Id(member.Id);
        return new StartFlags(name, added.PeerUrls, string.Join(',', all.SelectMany(member => member.PeerUrls.Select(url => $"{Name(member)}={url}"))));
    }

    public ImmutableArray<string> Arguments =>
    [
        "--name", Name, "--initial-advertise-peer-urls", string.Join(',', PeerUrls), "--listen-peer-urls", string.Join(',', PeerUrls),
        "--initial-cluster", InitialCluster, "--initial-cluster-state", State,
    ];
}
