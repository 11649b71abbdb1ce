using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Raft.Tests;

/// <summary>A directory, copies of it, and one other member that remembers what it was shown: whom may it let in?</summary>
public class StartHistoryTests(ITestOutputHelper output)
{
    private static readonly NodeId Peer = new(0xA1), Other = new(0xB2);
    private static readonly Guid Disk = new("00000000-0000-0000-0000-000000000001");

    /// <summary>A directory that may be copied; <paramref name="Lineage"/> is everything that was ever started from it, which no real one remembers.</summary>
    private sealed record Copy(StartHistory History, List<MemberStart> Lineage, MemberStart? Confirmed);

    /// <summary>
    /// Safety for every story; and service for every start that follows from the remembered one, unless the confirmation was lost and more starts than are kept came since.
    /// </summary>
    [Fact]
    public void Who_follows_from_the_remembered_start_is_let_in_and_nobody_else_ever() => Properties.Holds(Prop.ForAll((byte[] story) =>
    {
        int nonces = 0;
        RememberedMember? remembered = null;
        var directory = new Copy(StartHistory.None, [], null);
        Copy backup = directory = Start(directory, ref nonces);
        foreach (byte step in story)
        {
            switch (step % 8)
            {
                case 0 or 1:
                    directory = Start(directory, ref nonces);
                    break;
                case 2:
                    for (int i = 0; i <= StartHistory.RecentMax; i++) directory = Start(directory, ref nonces);
                    break;
                case 3:
                    backup = directory;
                    break;
                case 4:
                    (directory, backup) = (Start(backup, ref nonces), directory);
                    break;
                default:
                    bool isLetIn = Shows(directory, remembered) == AdmissionReason.None;
                    if (remembered is { } known)
                    {
                        var start = new MemberStart(known.Boot, known.BootNonce);
                        bool follows = directory.Lineage.Contains(start);
                        bool isKept = directory.Lineage.Skip(directory.Lineage.Count - StartHistory.RecentMax).Contains(start) || directory.Confirmed == start;
                        if (isLetIn ? !follows : follows && isKept) return false;
                    }
                    else if (!isLetIn)
                    {
                        return false;
                    }

                    if (!isLetIn) break;
                    remembered = MemberAdmission.Remember(remembered, LogIndex.Zero, Shown(directory));
                    if (step % 8 != 5) directory = directory with { History = directory.History.ConfirmedBy(Peer), Confirmed = directory.Lineage[^1] };
                    break;
            }
        }

        return true;
    }), output, tests: 2_000);

    [Fact]
    public void A_copy_that_is_started_again_and_again_never_gets_past_the_start_that_it_lacks()
    {
        int nonces = 0;
        Copy copy = Start(new Copy(StartHistory.None, [], null), ref nonces), original = Start(copy, ref nonces);
        RememberedMember remembered = MemberAdmission.Remember(null, LogIndex.Zero, Shown(original));

        for (int starts = 0; starts < 3 * StartHistory.RecentMax; starts++)
        {
            copy = Start(copy, ref nonces);
            Assert.Equal(AdmissionReason.OlderDirectory, Shows(copy, remembered));
        }

        string words = MemberAdmission.Judge(MemberStanding.Member, remembered, LogIndex.Zero, Shown(copy), null).Explain("n2", Other);
        foreach (string part in new[] { "does not know its start 2", "started 193 times", "conclave member replace n2" }) Assert.Contains(part, words);
    }

    [Fact]
    public void A_member_that_started_a_thousand_times_while_the_other_was_away_is_let_in_by_it()
    {
        int nonces = 0;
        Copy directory = Start(new Copy(StartHistory.None, [], null), ref nonces);
        RememberedMember remembered = MemberAdmission.Remember(null, LogIndex.Zero, Shown(directory));
        directory = directory with { History = directory.History.ConfirmedBy(Peer) };
        for (int starts = 0; starts < 1_000; starts++)
        {
            directory = Start(directory, ref nonces);
            directory = directory with { History = directory.History.ConfirmedBy(Other) };
        }

        Assert.Equal(AdmissionReason.None, Shows(directory, remembered));
        Assert.Equal(StartHistory.RecentMax + 1, directory.History.ShownTo(Peer).Length);
        Assert.Equal(StartHistory.RecentMax, directory.History.ShownTo(Other).Length);
    }

    [Fact]
    public void No_more_confirmations_are_kept_than_there_is_room_for_and_the_oldest_go_first()
    {
        int nonces = 0;
        StartHistory history = StartHistory.None;
        for (ulong member = 1; member <= StartHistory.ConfirmedMax + 10; member++)
            history = Start(new Copy(history, [], null), ref nonces).History.ConfirmedBy(new NodeId(member));

        Assert.Equal(StartHistory.ConfirmedMax, history.Confirmed.Count);
        Assert.Equal(new NodeId(11), history.Confirmed.Keys.First());
    }

    [Fact]
    public void A_member_of_an_earlier_release_is_judged_by_its_number_until_it_shows_a_history()
    {
        var before = new RememberedMember(Disk, 5, Nonce(55), LogReverted: false);
        var sixth = new MemberCredentials(Disk, 6, Nonce(66), LogIndex.Zero, EntryId.Zero);
        Assert.Equal(AdmissionReason.None, Reason(sixth, before));
        Assert.Equal(AdmissionReason.None, Reason(sixth with { Starts = [new(6, Nonce(66))] }, before));
        Assert.Equal(AdmissionReason.OlderDirectory, Reason(sixth with { Starts = [new(5, Nonce(54)), new(6, Nonce(66))] }, before));

        RememberedMember shows = MemberAdmission.Remember(before, LogIndex.Zero, sixth with { Starts = [new(6, Nonce(66))] });
        var seventh = new MemberCredentials(Disk, 7, Nonce(77), LogIndex.Zero, EntryId.Zero);
        Assert.Equal(AdmissionReason.OlderDirectory, Reason(seventh, shows));
        Assert.Contains("earlier release", MemberAdmission.Judge(MemberStanding.Member, shows, LogIndex.Zero, seventh, null).Explain("n2", Other));
        Assert.Equal(AdmissionReason.OlderDirectory, Reason(seventh with { Starts = [] }, shows));
    }

    private static Copy Start(Copy from, ref int nonces)
    {
        ulong boot = from.History.Recent is [.., var last] ? last.Boot + 1 : 1;
        var start = new MemberStart(boot, Nonce(++nonces));
        return new Copy(from.History.Begin(start), [.. from.Lineage, start], from.Confirmed);
    }

    private static MemberCredentials Shown(Copy directory)
    {
        MemberStart present = directory.History.Recent[^1];
        return new MemberCredentials(Disk, present.Boot, present.Nonce, LogIndex.Zero, EntryId.Zero) { Starts = directory.History.ShownTo(Peer) };
    }

    private static AdmissionReason Shows(Copy directory, RememberedMember? remembered) => Reason(Shown(directory), remembered);

    private static AdmissionReason Reason(in MemberCredentials shown, RememberedMember? remembered) =>
        MemberAdmission.Judge(MemberStanding.Member, remembered, LogIndex.Zero, shown, null).Reason;

    private static Guid Nonce(int number) => new(number, 0, 0, new byte[8]);
}
