using Conclave.Processes.Servers;

namespace Conclave.Processes.Faults;

/// <summary>What can happen to a member.</summary>
public enum MemberFault
{
    KillLeader,
    KillAny,
    PauseLeader,
    PauseAny,

    /// <summary>All at once.</summary>
    KillAll,
}

/// <summary>One member after the other is killed with -9 or stopped for a while. All run when a fault begins, so a majority is never gone for longer than the fault.</summary>
internal sealed class FaultLoop(ProcessCluster cluster, Random random, Action<string> log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>How often each happened.</summary>
    public SortedDictionary<MemberFault, int> Counts { get; } = [];

    /// <summary>A text for reports.</summary>
    public string Told => string.Join(", ", Counts.Select(each => $"{each.Value} {each.Key}"));

    /// <summary>Faults of all kinds in turn until the time is over.</summary>
    public async Task RunAsync(TimeSpan duration, IReadOnlyList<MemberFault> kinds, CancellationToken cancellationToken)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        for (int turn = 0; System.Diagnostics.Stopwatch.GetElapsedTime(start) < duration; turn++)
            await StrikeAsync(kinds[turn % kinds.Count], cancellationToken).ConfigureAwait(false);
        await cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One fault, from a healthy cluster until the member runs again.</summary>
    public async Task StrikeAsync(MemberFault kind, CancellationToken cancellationToken)
    {
        await cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        await Task.Delay(random.Next(300, 1_500), cancellationToken).ConfigureAwait(false);
        int place = kind is MemberFault.KillLeader or MemberFault.PauseLeader
            ? await cluster.WaitForLeaderAsync(Patience, cancellationToken).ConfigureAwait(false)
            : random.Next(cluster.Members.Count);
        ServerProcess member = cluster.Members[place];
        bool isPause = kind is MemberFault.PauseLeader or MemberFault.PauseAny;
        int milliseconds = isPause ? random.Next(500, 5_000) : random.Next(0, 2_000);
        log($"{kind} {(kind == MemberFault.KillAll ? "" : member.Name)} for {milliseconds} ms");
        if (isPause)
        {
            member.Pause();
            try
            {
                await Task.Delay(milliseconds, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                member.Resume();
            }
        }
        else
        {
            if (kind == MemberFault.KillAll)
                cluster.KillAll();
            else
                member.Kill();
            await Task.Delay(milliseconds, cancellationToken).ConfigureAwait(false);
            cluster.StartAll();
        }
        Counts[kind] = Counts.GetValueOrDefault(kind) + 1;
    }
}
