namespace Conclave.Store.Tests;

/// <summary>Each deliberate bug makes the scenario fail that is there for it: a test that cannot fail proves nothing.</summary>
public class FaultTests
{
    private static readonly Dictionary<StoreFaults, Action<StoreFaults>> Scenarios = new()
    {
        [StoreFaults.KeepRevisionOnDelete] = StateBugs.RevisionPerWrite,
        [StoreFaults.ReorderWatchEvents] = WatchBugs.EventsInOrder,
        [StoreFaults.ResendAfterInstall] = WatchBugs.InstallUnderWatch,
        [StoreFaults.SkipInCatchUp] = WatchBugs.StarvedWatch,
        [StoreFaults.CompactLiveVersion] = StateBugs.CompactedRevisionIsReadable,
        [StoreFaults.LeaveKeyOnRevoke] = StateBugs.RevokeTakesAllKeys,
        [StoreFaults.RenewExpired] = LeaseBugs.RenewAfterRevoke,
        [StoreFaults.ApplyRepeats] = StateBugs.RepeatAfterRestart,
        [StoreFaults.SaveNoSessions] = StateBugs.RepeatAfterRestart,
        [StoreFaults.PreviousIsNew] = StateBugs.PreviousValue,
        [StoreFaults.CompareOldRevision] = StateBugs.CompareSeesLastWrite,
        [StoreFaults.ApplyIndexTwice] = StateBugs.AppliedIndexWithData,
        [StoreFaults.RepeatCreateRevision] = StateBugs.FencingTokenGrows,
        [StoreFaults.RevisionFallsOnLoad] = StateBugs.CrashInCompaction,
        [StoreFaults.ProgressOvertakesEvents] = WatchBugs.FutureRevision,
        [StoreFaults.MissCompactedRevision] = WatchBugs.DeleteAtCompactedRevision,
        [StoreFaults.ExpireAfterDemotion] = LeaseBugs.OldLeaderRevokes,
        [StoreFaults.AttachToDeadLease] = StateBugs.LockOnDeadLease,
    };

    public static TheoryData<string> Faults => [.. Enum.GetNames<StoreFaults>().Where(name => name != nameof(StoreFaults.None))];

    [Theory, MemberData(nameof(Faults))]
    public void Its_scenario_notices_the_fault(string name)
    {
        var fault = Enum.Parse<StoreFaults>(name);
        Assert.ThrowsAny<Exception>(() => Scenarios[fault](fault));
        Scenarios[fault](StoreFaults.None);
    }
}
