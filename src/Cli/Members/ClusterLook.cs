using System.Collections.Immutable;
using System.CommandLine;
using Conclave.Cli.Commands;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Members;

/// <summary>Looks at a whole cluster: the list of its members, and every member's own answer, at the given endpoints and where the list says they are.</summary>
internal sealed class ClusterLook(ParseResult parsed, Terminal terminal, ClusterOptions cluster) : IAsyncDisposable
{
    private static readonly TimeSpan ElectionPatience = TimeSpan.FromSeconds(4), Pause = TimeSpan.FromMilliseconds(250);
    private ConclaveClient? _all;

    /// <summary>A client of all members that were seen, the leader among them. Only after <see cref="SeeAsync"/>.</summary>
    public ConclaveClient All => _all ?? throw new InvalidOperationException("Nothing was looked at yet.");

    public ulong ClusterId { get; private set; }

    /// <summary>Looks until there is a leader, or for as long as an election may take.</summary>
    /// <exception cref="ConclaveException">No endpoint answered.</exception>
    public async Task<ClusterSight> SeeAsync(ConclaveClient client, CancellationToken cancellationToken)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            ClusterSight seen = await SeeOnceAsync(client, cancellationToken).ConfigureAwait(false);
            bool isElecting = seen.LeaderId == 0 && seen.Voters.Count(member => member.Answers) >= seen.Quorum;
            if (!isElecting || TimeProvider.System.GetElapsedTime(started) > ElectionPatience) return seen;
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_all is not null) await _all.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<ClusterSight> SeeOnceAsync(ConclaveClient client, CancellationToken cancellationToken)
    {
        MemberList list = await ListAsync(client, cancellationToken).ConfigureAwait(false);
        ClusterId = list.Header.ClusterId;
        IEnumerable<string> listed = list.Members.SelectMany(member => member.ClientUrls).Where(url => EndpointAddress.TryParse(url, out _));
        ImmutableArray<string> endpoints = [.. client.Endpoints.Select(endpoint => endpoint.GetLeftPart(UriPartial.Authority)).Concat(listed).Distinct()];
        if (_all is null || !_all.Endpoints.SequenceEqual(endpoints.Select(EndpointAddress.Parse)))
        {
            await DisposeAsync().ConfigureAwait(false);
            _all = cluster.Connect(parsed, terminal, endpoints);
        }

        MemberStatus?[] answers = await Task.WhenAll(_all.Endpoints.Select(endpoint => AskAsync(_all, endpoint, cancellationToken))).ConfigureAwait(false);
        return new ClusterSight([.. list.Members.Select(member => SightOf(member, answers.FirstOrDefault(answer => answer?.Header.MemberId == member.Id)))]);
    }

    /// <summary>As the leader has it; without one, as any member does, so that what is wrong can be said.</summary>
    private static async Task<MemberList> ListAsync(ConclaveClient client, CancellationToken cancellationToken)
    {
        try
        {
            return await client.Members.ListAsync(linearizable: true, cancellationToken).ConfigureAwait(false);
        }
        catch (UnavailableException)
        {
            return await client.Members.ListAsync(linearizable: false, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<MemberStatus?> AskAsync(ConclaveClient all, Uri endpoint, CancellationToken cancellationToken)
    {
        try
        {
            return await all.Maintenance.StatusAsync(endpoint, cancellationToken).ConfigureAwait(false);
        }
        catch (ConclaveException)
        {
            return null;   // It is down, or cannot be reached from here: either way it is not known to count.
        }
    }

    private static MemberSight SightOf(Member member, MemberStatus? answer) => new()
    {
        Id = member.Id,
        Name = member.Name,
        PeerUrls = member.PeerUrls,
        ClientUrls = member.ClientUrls,
        IsLearner = member.IsLearner,
        Answers = answer is not null,
        LeaderId = answer?.LeaderId ?? 0,
        Term = answer?.RaftTerm ?? 0,
        LogIndex = answer?.RaftIndex ?? 0,
    };
}
