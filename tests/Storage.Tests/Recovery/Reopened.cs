namespace Conclave.Storage.Tests;

/// <summary>Opens a directory that may be damaged, and says whether what comes out is honest.</summary>
internal static class Reopened
{
    internal static readonly DurableLogOptions Repairing = LogSession.SmallFiles with { AllowRepair = true };

    /// <summary>
    /// Null if the log refused. Otherwise everything acknowledged is there, or the lost end covers what is missing; term and vote are those that were acknowledged.
    /// Anything else, and any other exception, fails the test.
    /// </summary>
    internal static RecoveredLog? Check(SimulatedFileSystem disk, IReadOnlyList<LogState> history, bool allowRepair)
    {
        try
        {
            return Open(disk, history, allowRepair);
        }
        catch (StorageException refusal)
        {
            Assert.NotEmpty(refusal.Remedy);
            return null;
        }
    }

    /// <summary>The same, but the log must not refuse.</summary>
    internal static RecoveredLog Open(SimulatedFileSystem disk, IReadOnlyList<LogState> history, bool allowRepair)
    {
        using DurableLog log = DurableLog.Open(disk, LogSession.Directory, allowRepair ? Repairing : LogSession.SmallFiles, out RecoveredLog recovered);
        RequireHonest(recovered, history);
        return recovered;
    }

    /// <param name="recovered">What came out.</param>
    /// <param name="history">Every state that was acknowledged, the last one last.</param>
    internal static void RequireHonest(RecoveredLog recovered, IReadOnlyList<LogState> history)
    {
        LogState found = LogState.Of(recovered), acknowledged = history[^1];
        // A repair may go back to an earlier state, also to before entries were replaced by others; it never mixes or invents.
        bool isEarlier = history.Any(earlier =>
        {
            LogState there = earlier.CompactedTo(found.Base) with { HardState = found.HardState };
            return found.Matches(there with { Entries = [.. there.Entries.Take(found.Entries.Count)] });
        });
        bool isCovered = found.Matches(acknowledged) || found.Last > acknowledged.Last || recovered.LostEnd >= acknowledged.Last;
        if (!isEarlier || !isCovered || found.Base != acknowledged.Base || found.HardState != acknowledged.HardState)
            throw new InvalidOperationException($"Recovered: {found}, lost end {recovered.LostEnd}\nacknowledged: {acknowledged}\n{string.Join('\n', recovered.Notes)}");
    }
}
