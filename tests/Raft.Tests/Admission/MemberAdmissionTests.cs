using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Raft.Tests;

public class MemberAdmissionTests(ITestOutputHelper output)
{
    private static readonly Guid Disk = new("00000000-0000-0000-0000-000000000001"), OtherDisk = new("00000000-0000-0000-0000-000000000002");
    private static readonly MemberCredentials Usual = new(Disk, Boot: 5, BootNonce: Nonce(55), new LogIndex(100), EntryId.Zero);
    private static readonly RememberedMember Known = new(Disk, 5, Nonce(55), LogReverted: false);

    [Fact]
    public void Who_was_never_met_is_taken_as_it_is()
    {
        Assert.Equal(AdmissionReason.None, Judge(Usual, remembered: null));
        Assert.Equal(Known, MemberAdmission.Remember(null, LogIndex.Zero, Usual));
    }

    [Fact]
    public void The_same_process_may_connect_as_often_as_it_likes() => Assert.Equal(AdmissionReason.None, Judge(Usual, Known, live: 55));

    [Fact]
    public void The_next_start_is_taken_and_remembered()
    {
        MemberCredentials next = Usual with { Boot = 6, BootNonce = Nonce(66) };

        Assert.Equal(AdmissionReason.None, Judge(next, Known));
        Assert.Equal(new RememberedMember(Disk, 6, Nonce(66), false), MemberAdmission.Remember(Known, LogIndex.Zero, next));
    }

    [Theory]
    [InlineData(MemberStanding.Unknown, AdmissionReason.Unknown)]
    [InlineData(MemberStanding.Removed, AdmissionReason.Removed)]
    public void Who_is_no_member_may_not_talk_whatever_it_shows(MemberStanding standing, AdmissionReason reason) =>
        Assert.Equal(reason, MemberAdmission.Judge(standing, Known, LogIndex.Zero, Usual, null).Reason);

    [Fact]
    public void A_wiped_member_is_refused() => Assert.Equal(AdmissionReason.OtherDirectory, Judge(Usual with { Incarnation = OtherDisk, Boot = 1, BootNonce = Nonce(1) }, Known));

    [Theory]
    [InlineData(4, 44)]
    [InlineData(4, 55)]
    [InlineData(5, 56)]
    public void A_restored_backup_is_refused(ulong boot, int nonce) =>
        Assert.Equal(AdmissionReason.OlderDirectory, Judge(Usual with { Boot = boot, BootNonce = Nonce(nonce) }, Known));

    [Theory]
    [InlineData(100, 0, 100, AdmissionReason.None)]
    [InlineData(99, 0, 100, AdmissionReason.OlderDirectory)]
    [InlineData(99, 99, 100, AdmissionReason.OlderDirectory)]
    [InlineData(50, 100, 100, AdmissionReason.None)]
    [InlineData(50, ulong.MaxValue, 100, AdmissionReason.None)]
    [InlineData(0, 0, 0, AdmissionReason.None)]
    public void A_log_that_ends_before_what_is_on_record_is_refused_unless_its_member_knows(ulong durable, ulong lostEnd, ulong acknowledged, AdmissionReason reason)
    {
        MemberCredentials shown = Usual with { Boot = 6, BootNonce = Nonce(66), Durable = new LogIndex(durable), LostEnd = new EntryId(new LogIndex(lostEnd), new Term(lostEnd == 0 ? 0u : 2u)) };

        Assert.Equal(reason, Judge(shown, Known, acknowledged: acknowledged));
        Assert.Equal(reason, Judge(shown, null, acknowledged: acknowledged));
    }

    [Fact]
    public void A_member_whose_log_went_back_unnoticed_is_refused_until_it_knows()
    {
        RememberedMember reverted = Known with { LogReverted = true };
        MemberCredentials restarted = Usual with { Boot = 6, BootNonce = Nonce(66) }, repaired = restarted with { LostEnd = new EntryId(new LogIndex(120), new Term(2)) };

        Assert.Equal(AdmissionReason.OlderDirectory, Judge(Usual, reverted));
        Assert.Equal(AdmissionReason.OlderDirectory, Judge(restarted, reverted));
        Assert.Equal(AdmissionReason.None, Judge(repaired, reverted));
        Assert.False(MemberAdmission.Remember(reverted, LogIndex.Zero, repaired).LogReverted);
    }

    [Fact]
    public void A_member_that_an_operator_vouched_for_comes_with_an_empty_disk_and_is_watched_again_once_it_has_caught_up()
    {
        MemberCredentials empty = Usual with { Incarnation = OtherDisk, Boot = 1, BootNonce = Nonce(1), Durable = LogIndex.Zero };
        Assert.Equal(AdmissionReason.OlderDirectory, Judge(empty, remembered: null, acknowledged: 100));
        Assert.Equal(AdmissionReason.None, Judge(empty, RememberedMember.Forgotten, acknowledged: 100));

        RememberedMember vouched = MemberAdmission.Remember(RememberedMember.Forgotten, LogIndex.Zero, empty);
        Assert.Equal(AdmissionReason.None, Judge(empty with { Durable = new LogIndex(50) }, vouched, acknowledged: 100));
        Assert.Equal(AdmissionReason.OtherDirectory, Judge(Usual with { Boot = 9 }, vouched));

        RememberedMember caughtUp = MemberAdmission.Remember(vouched, new LogIndex(100), empty with { Durable = new LogIndex(100) });
        Assert.Equal(AdmissionReason.OlderDirectory, Judge(empty with { Durable = new LogIndex(99) }, caughtUp, acknowledged: 100));
    }

    [Fact]
    public void A_copy_is_refused_while_the_original_is_heard_and_the_original_once_the_copy_was_let_in()
    {
        MemberCredentials copy = Usual with { Boot = 6, BootNonce = Nonce(66) };

        Assert.Equal(AdmissionReason.SecondProcess, Judge(copy, Known, live: 55));
        Assert.Equal(AdmissionReason.None, Judge(copy, Known, live: null));
        Assert.Equal(AdmissionReason.OlderDirectory, Judge(Usual, MemberAdmission.Remember(Known, LogIndex.Zero, copy), live: 66));
    }

    /// <summary>Whatever two processes share a directory's history: after either was let in, the other one is not, in this state of it.</summary>
    [Fact]
    public void Of_two_starts_from_one_state_only_one_is_ever_let_in() => Properties.Holds(Prop.ForAll((byte known, byte boot) =>
    {
        RememberedMember before = new(Disk, known, Nonce(7), false);
        MemberCredentials a = Usual with { Boot = boot, BootNonce = Nonce(100) }, b = a with { BootNonce = Nonce(200) };
        if (Judge(a, before) != AdmissionReason.None) return Judge(b, before) != AdmissionReason.None;
        return Judge(b, MemberAdmission.Remember(before, LogIndex.Zero, a)) == AdmissionReason.OlderDirectory;
    }), output);

    [Fact]
    public void Every_refusal_says_who_and_what_to_do()
    {
        foreach ((AdmissionVerdict verdict, string[] parts) in new (AdmissionVerdict, string[])[]
        {
            (Verdict(AdmissionReason.Unknown), ["b2 is not a member", "conclave member add"]),
            (Verdict(AdmissionReason.Removed), ["member n2 (b2) was removed", "--initial-cluster-state existing"]),
            (Verdict(AdmissionReason.OtherDirectory), ["empty or other data directory", $"{Disk}", "must not vote", "conclave member replace n2"]),
            (Verdict(AdmissionReason.OlderDirectory, Known with { Boot = 9 }), ["start 5, known 9", "conclave member replace n2"]),
            (Verdict(AdmissionReason.OlderDirectory, Known with { LogReverted = true }), ["lost writes", "conclave member replace n2"]),
            (Verdict(AdmissionReason.OlderDirectory), ["up to 100", "having had 300", "conclave member replace n2"]),
            (Verdict(AdmissionReason.SecondProcess), ["another process", "stop one of them"]),
        })
        {
            string text = verdict.Explain("n2", new NodeId(0xB2));
            foreach (string part in parts) Assert.Contains(part, text);
        }

        Assert.Contains("replace b2", Verdict(AdmissionReason.OtherDirectory).Explain("", new NodeId(0xB2)));
    }

    private static AdmissionVerdict Verdict(AdmissionReason reason, RememberedMember? known = null) => new(reason, Usual, known ?? Known, new LogIndex(300));

    private static AdmissionReason Judge(in MemberCredentials shown, RememberedMember? remembered, int? live = null, ulong acknowledged = 0) =>
        MemberAdmission.Judge(MemberStanding.Member, remembered, new LogIndex(acknowledged), shown, live is { } nonce ? Nonce(nonce) : null).Reason;

    private static Guid Nonce(int number) => new(number, 0, 0, new byte[8]);
}
