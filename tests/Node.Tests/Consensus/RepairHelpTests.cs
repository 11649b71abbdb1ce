using Conclave.Node.Consensus;
using Conclave.Node.Options;
using Conclave.Raft;

namespace Conclave.Node.Tests.Consensus;

/// <summary>The rules are tried for everything that flags, what is left of the log, and the file that tells of other voters can say together.</summary>
public class RepairHelpTests
{
    private static readonly NodeId Self = new(1), Other = new(2), Third = new(3);
    private static readonly EntryId Lost = new(new LogIndex(9), new Term(2));

    private static readonly Membership[] Left =
    [
        Membership.Of(), Membership.Of(Self), Membership.Of(Self) with { Learners = [Other] }, Membership.Of(Other), Membership.Of(Self, Other), Membership.Of(Self, Other, Third),
        Membership.Of(Self) with { VotersOutgoing = [Self, Other] }, Membership.Of(Self, Other) with { VotersOutgoing = [Self] },
    ];

    [Fact]
    public void Whoever_starts_with_a_loss_has_somebody_to_get_it_from_and_whoever_is_alone_keeps_its_log_as_it_is()
    {
        int combinations = 0;
        foreach (bool othersVote in (bool[])[false, true])
            foreach (Membership newest in Left)
                foreach (EntryId lostEnd in (EntryId[])[EntryId.Zero, Lost])
                    foreach (ClusterState state in Enum.GetValues<ClusterState>())
                        foreach (int named in (int[])[1, 3])
                        {
                            combinations++;
                            bool mayRepair = RepairHelp.MayExist(state, named, othersVote);
                            HelpFrom help = RepairHelp.Of(lostEnd, newest, Self, othersVote);
                            Assert.True(Enum.IsDefined(help));

                            // Flags that tell of others allow it, and so does the file. Nothing else does.
                            Assert.Equal(state == ClusterState.Existing || named > 1 || othersVote, mayRepair);

                            // Nothing lost, nobody needed, whatever else there is.
                            Assert.Equal(lostEnd == EntryId.Zero, help == HelpFrom.NotNeeded);
                            if (lostEnd == EntryId.Zero) continue;

                            // A membership with another voter, before or after a change, names who helps; alone, only somebody whom it does not know yet can.
                            bool isAlone = !newest.IsJoint && newest.Voters is [var only] && only == Self;
                            Assert.Equal(!isAlone, help == HelpFrom.Members);
                            if (!isAlone) continue;
                            Assert.Equal(othersVote ? HelpFrom.OtherVoters : HelpFrom.Nobody, help);
                            // Where the file alone allows a repair, nobody is refused after it.
                            if (othersVote) Assert.NotEqual(HelpFrom.Nobody, help);
                        }

        Assert.Equal(2 * 8 * 2 * 2 * 2, combinations);
    }
}
