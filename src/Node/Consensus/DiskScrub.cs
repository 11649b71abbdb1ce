using Conclave.Raft;
using Conclave.Storage;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

/// <summary>Reads cold files again, slowly and for ever, and makes damage harmless while the state in memory still has what it hit.</summary>
/// <param name="scrubber">Owned from now on.</param>
/// <param name="snapshots">Where a damaged snapshot is taken out of use.</param>
/// <param name="boot">Of the log.</param>
/// <param name="written">Last entry of the newest durable snapshot of the own state, and how many there were since the start.</param>
/// <param name="wantSnapshot">Asks for a snapshot of the state as it is now.</param>
/// <param name="compactLog">Lets the log on disk forget up to an entry that such a snapshot covers.</param>
/// <param name="logger">Told of damage, once per file.</param>
/// <param name="clock">For tests.</param>
internal sealed class DiskScrub(Scrubber scrubber, SnapshotStore snapshots, ulong boot, Func<(EntryId Last, long Count)> written, Action wantSnapshot, Action<EntryId> compactLog, ILogger logger, TimeProvider? clock = null) : IAsyncDisposable
{
    private const int BytesPerStep = 1 << 20;
    private const int SnapshotWaitMax = 60;   // steps
    private const int ReportedMax = 64;   // files that a line was written about

    /// <summary>Between two steps: 1 MiB a second costs no disk anything.</summary>
    internal static readonly TimeSpan StepInterval = TimeSpan.FromSeconds(1);

    /// <summary>From the end of a round to the next one.</summary>
    internal static readonly TimeSpan RoundInterval = TimeSpan.FromMinutes(5);

    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<string> _reported = [];
    private Task _loop = Task.CompletedTask;
    private long _bytesRead, _rounds, _findings;

    public long BytesRead => Interlocked.Read(ref _bytesRead);

    public long Rounds => Interlocked.Read(ref _rounds);

    /// <summary>Damaged files that were met, counted anew in each round until they are gone.</summary>
    public long Findings => Interlocked.Read(ref _findings);

    public void Start() => _loop = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        scrubber.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(StepInterval, _clock, _stop.Token).ConfigureAwait(false);
                if (await StepAsync().ConfigureAwait(false)) await Task.Delay(RoundInterval, _clock, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    /// <returns>Whether a round is complete.</returns>
    private async Task<bool> StepAsync()
    {
        try
        {
            ScrubStep step = scrubber.Step(BytesPerStep);
            Interlocked.Add(ref _bytesRead, step.BytesRead);
            if (step.Finding is { } finding) await RemedyAsync(finding).ConfigureAwait(false);
            if (step.IsRoundComplete) Interlocked.Increment(ref _rounds);
            return step.IsRoundComplete;
        }
        catch (StorageException problem)
        {
            Log.ScrubFailed(logger, problem.Message);
            return true;
        }
    }

    private async Task RemedyAsync(ScrubFinding finding)
    {
        Interlocked.Increment(ref _findings);
        if (_reported.Count >= ReportedMax) _reported.Clear();
        if (_reported.Add(finding.File)) Log.DamageFound(logger, finding.File, finding.Problem);

        // What is damaged is still in memory. Once it is on the disk a second time, the damaged file is not needed any more.
        (EntryId snapshot, long count) = written();
        long before = count;
        for (int waited = 0; count == before || snapshot.Index < finding.Last.Index; waited++)
        {
            if (waited == SnapshotWaitMax) return;   // the next round finds it again
            wantSnapshot();   // of no effect while one is being written
            await Task.Delay(StepInterval, _clock, _stop.Token).ConfigureAwait(false);
            (snapshot, count) = written();
        }

        if (finding.Remedy == ScrubRemedy.SnapshotAndCompact) compactLog(snapshot);
        // At the same entry it has taken the damaged one's place by taking its name.
        else if (snapshot.Index > finding.Last.Index && snapshots.Quarantine(finding.Last, boot) is { } note) Log.ScrubFailed(logger, note);
        Log.DamageReplaced(logger, finding.File, snapshot);
    }
}
