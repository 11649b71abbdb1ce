namespace Conclave.Storage.Tests;

/// <summary>The decision is tried for every combination of everything that can be found.</summary>
public class RecoveryDecisionTests
{
    [Fact]
    public void Every_combination_of_findings_has_one_outcome_and_none_starts_on_less_in_silence()
    {
        int combinations = 0;
        foreach (RecoveryFindings found in Everything())
        {
            combinations++;
            RecoveryDecision decision = RecoveryDecision.Of(found);
            Assert.True(Enum.IsDefined(decision.Log) && Enum.IsDefined(decision.Snapshot) && Enum.IsDefined(decision.NextSegment));
            Assert.NotEmpty(decision.Reason);
            bool refused = decision.Log == LogOutcome.Refuse || decision.Snapshot == SnapshotOutcome.Refuse;
            Assert.Equal(refused, decision.Refusal is not null);
            bool formats = decision.Log is LogOutcome.Format or LogOutcome.FinishFormatting;
            bool starts = decision.Log is LogOutcome.Start or LogOutcome.CutTornTail;

            // Nothing that was lost is passed over, and nothing is given up unless that is allowed.
            if (starts || decision.Log == LogOutcome.Repair)
                Assert.True(found.Superblock is SuperblockFinding.Whole or SuperblockFinding.CopyDamaged || (found.Superblock == SuperblockFinding.PairDamaged && found.AllowRepair));
            if (starts)
                Assert.True(found is { Segments: SegmentsFinding.Whole, LogEnd: LogEndFinding.Clean or LogEndFinding.Torn, NextSegment: not NextSegmentFinding.Unreadable });
            if (decision.Log == LogOutcome.Repair)
                Assert.True(found is { AllowRepair: true, HardStateKnown: true });
            if (decision.Log == LogOutcome.Format)
                Assert.True(found is { Superblock: SuperblockFinding.Missing, HasData: false, CanFormat: true });
            if (formats && decision.Log == LogOutcome.FinishFormatting)
                Assert.Equal(SegmentsFinding.None, found.Segments);
            if (decision.Snapshot == SnapshotOutcome.ResetLog)
                Assert.True(found is { Snapshot: SnapshotFinding.Unusable, AllowRepair: true });
            if (decision.Snapshot is SnapshotOutcome.Load or SnapshotOutcome.PassOver)
                Assert.True(found.Snapshot is SnapshotFinding.NotNeeded or SnapshotFinding.Newest or SnapshotFinding.Older);

            // A segment that may hold acknowledged entries is never deleted.
            if (decision.NextSegment == NextSegmentOutcome.Delete)
                Assert.True(found.NextSegment is NextSegmentFinding.Reset or NextSegmentFinding.Unreadable);
            if (decision.NextSegment == NextSegmentOutcome.Adopt)
                Assert.Equal(NextSegmentFinding.RollOver, found.NextSegment);

            // What belongs to somebody else, and what another version wrote, is refused whatever else is wrong; never repaired.
            if (found.Superblock is SuperblockFinding.OtherFormat or SuperblockFinding.OtherCluster or SuperblockFinding.OtherMember)
                Assert.NotEqual(StorageErrorKind.Corrupt, decision.Refusal);
        }
        Assert.Equal(10 * 10 * 4 * 4 * 7 * 16, combinations);
    }

    [Fact]
    public void Allowing_a_repair_changes_nothing_for_a_sound_directory_and_never_refuses_more()
    {
        foreach (RecoveryFindings found in Everything())
        {
            if (found.AllowRepair)
                continue;
            RecoveryDecision without = RecoveryDecision.Of(found), with = RecoveryDecision.Of(found with { AllowRepair = true });
            if (without.Refusal is null)
                Assert.Equal(without, with);
            else if (with.Refusal is null) // what was refused can be repaired only if it was damage
                Assert.Equal(StorageErrorKind.Corrupt, without.Refusal);
        }
    }

    private static IEnumerable<RecoveryFindings> Everything()
    {
        foreach (SuperblockFinding superblock in Enum.GetValues<SuperblockFinding>())
            foreach (SegmentsFinding segments in Enum.GetValues<SegmentsFinding>())
                foreach (LogEndFinding end in Enum.GetValues<LogEndFinding>())
                    foreach (NextSegmentFinding next in Enum.GetValues<NextSegmentFinding>())
                        foreach (SnapshotFinding snapshot in Enum.GetValues<SnapshotFinding>())
                            for (int flags = 0; flags < 16; flags++)
                                yield return new RecoveryFindings
                                {
                                    Superblock = superblock,
                                    Segments = segments,
                                    LogEnd = end,
                                    NextSegment = next,
                                    Snapshot = snapshot,
                                    HasData = (flags & 1) != 0,
                                    CanFormat = (flags & 2) != 0,
                                    HardStateKnown = (flags & 4) != 0,
                                    AllowRepair = (flags & 8) != 0,
                                };
    }
}
