using System.Text;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Node.Tests.Peers;

public class KnownIncarnationsTests
{
    private const string Directory = "/data/member", File = "/data/member/peers", Copy = "/data/member/peers.copy";
    private static readonly NodeId Second = new(0xB2), Third = new(0xC3);
    private static readonly Guid First = new("11111111-0000-0000-0000-000000000001"), Other = new("22222222-0000-0000-0000-000000000002");

    private static readonly MemberDirectory Members = TestGate.Directory(new NodeId(0xA1),
        [(new NodeId(0xA1), new Uri("http://127.0.0.1:1")), (Second, new Uri("http://127.0.0.1:2")), (Third, new Uri("http://127.0.0.1:3"))]);

    private readonly SimulatedFileSystem _files = new(seed: 1);

    private KnownIncarnations Open(params string[] forget) => KnownIncarnations.Open(_files, Directory, Members, forget, NullLogger.Instance);

    private static string Objection(KnownIncarnations known, NodeId member, Guid incarnation, ulong boot = 1)
    {
        AdmissionVerdict verdict = known.Judge(member, MemberStanding.Member, LogIndex.Zero, new MemberCredentials(incarnation, boot, Nonce(boot), LogIndex.Zero, EntryId.Zero), null, out string problem);
        return problem + verdict.Explain(Members.NameOf(member), member);
    }

    private static Guid Nonce(ulong boot) => new((int)boot, 0, 0, new byte[8]);

    [Fact]
    public void The_first_directory_of_a_member_is_taken_and_another_one_is_not()
    {
        KnownIncarnations known = Open();

        Assert.Empty(Objection(known, Second, First));
        Assert.Empty(Objection(known, Second, First));
        string objection = Objection(known, Second, Other);

        foreach (string part in new[] { "member n2 (", $"{First}", $"{Other}", "must not vote", "conclave member replace n2" }) Assert.Contains(part, objection);
        Assert.Empty(Objection(known, Third, Other));
    }

    [Fact]
    public void A_directory_that_was_taken_is_remembered_through_a_power_cut()
    {
        Assert.Empty(Objection(Open(), Second, First));

        _files.PowerCut();

        Assert.NotEmpty(Objection(Open(), Second, Other));
        Assert.Empty(Objection(Open(), Second, First));
    }

    [Fact]
    public void Nobody_is_let_in_whose_directory_cannot_be_remembered()
    {
        KnownIncarnations known = Open();
        _files.Faults.ReadOnly = true;

        Assert.Contains("could not be remembered", Objection(known, Second, First));

        _files.Faults.ReadOnly = false;
        Assert.Empty(Objection(known, Second, Other));
    }

    [Fact]
    public void A_forgotten_member_comes_with_a_new_directory_and_the_others_do_not()
    {
        KnownIncarnations before = Open();
        Assert.Empty(Objection(before, Second, First));
        Assert.Empty(Objection(before, Third, First));

        Open("n2");
        KnownIncarnations after = Open();

        Assert.Empty(Objection(after, Second, Other));
        Assert.NotEmpty(Objection(after, Third, Other));
    }

    [Fact]
    public void The_file_is_for_people_to_read()
    {
        Assert.Empty(Objection(Open(), Second, First));

        string[] lines = Encoding.UTF8.GetString(_files.ReadAll(File)).Split('\n');

        Assert.Equal(["conclave-peers 3", $"00000000000000b2 {First} 1 {Nonce(1)} kept"], lines[..2]);
    }

    [Fact]
    public void What_the_first_format_knew_is_known()
    {
        string text = $"conclave-peers 1\n00000000000000b2 {First}\n";
        text += $"crc32c {PeerFrame.Crc(Encoding.UTF8.GetBytes(text)):x8}\n";
        _files.CreateDirectory(Directory);
        using (IStorageFile file = _files.Create(File)) file.Write(0, Encoding.UTF8.GetBytes(text));

        KnownIncarnations known = Open();

        Assert.NotEmpty(Objection(known, Second, Other));
        Assert.Empty(Objection(known, Second, First));
    }

    [Fact]
    public void What_the_second_format_knew_is_known()
    {
        string text = $"conclave-peers 2\n00000000000000b2 {First} 7 {Nonce(7)} kept\n";
        text += $"crc32c {PeerFrame.Crc(Encoding.UTF8.GetBytes(text)):x8}\n";
        _files.CreateDirectory(Directory);
        using (IStorageFile file = _files.Create(File)) file.Write(0, Encoding.UTF8.GetBytes(text));

        Assert.NotEmpty(Objection(Open(), Second, First, boot: 6));
        Assert.Empty(Objection(Open(), Second, First, boot: 8));   // it shows no history, and did not before
        Assert.StartsWith("conclave-peers 3", Encoding.UTF8.GetString(_files.ReadAll(File)));
    }

    [Fact]
    public void Starts_and_removals_and_reversions_are_remembered_through_a_power_cut()
    {
        KnownIncarnations before = Open();
        Assert.Empty(Objection(before, Second, First, boot: 5));
        Assert.Empty(Objection(before, Third, First, boot: 1));
        Assert.Empty(before.Remove([new NodeId(0xD4)]));
        before.RevertSoon(Third);
        Assert.Empty(before.Revert(Third));

        _files.PowerCut();

        KnownIncarnations after = Open();
        Assert.Contains("start 4, known 5", Objection(after, Second, First, boot: 4));
        Assert.Contains("has lost writes", Objection(after, Third, First, boot: 2));
        Assert.Contains("was removed", Objection(after, new NodeId(0xD4), First));
        Assert.True(after.IsRemoved(new NodeId(0xD4)));
    }

    [Fact]
    public void A_member_that_comes_back_and_knows_of_its_loss_is_not_marked_afterwards()
    {
        KnownIncarnations known = Open();
        Assert.Empty(Objection(known, Second, First, boot: 1));
        known.RevertSoon(Second);
        Assert.Contains("has lost writes", Objection(known, Second, First, boot: 2));
        var knowing = new MemberCredentials(First, 3, Nonce(3), LogIndex.Zero, new EntryId(new LogIndex(9), new Term(1)));
        Assert.True(known.Judge(Second, MemberStanding.Member, LogIndex.Zero, knowing, null, out _).IsAccepted);
        Assert.Empty(known.Revert(Second));   // the thread that writes it down comes late
        Assert.Empty(Objection(known, Second, First, boot: 4));
    }

    [Fact]
    public void No_more_is_remembered_than_there_is_room_for()
    {
        KnownIncarnations known = Open();
        for (ulong id = 1; id <= KnownMembers.MembersMax; id++) Assert.Empty(Objection(known, new NodeId(id), First));
        Assert.Contains("which is the limit", Objection(known, new NodeId(9_999), First));
        known.Remove(Enumerable.Range(10_000, 2 * KnownMembers.RemovedMax).Select(i => new NodeId((ulong)i)));
        Assert.True(known.IsRemoved(new NodeId(10_000 + 2 * KnownMembers.RemovedMax - 1)));
        Assert.False(known.IsRemoved(new NodeId(10_000)));
    }

    [Fact]
    public void A_flipped_bit_in_the_file_costs_nothing_and_one_in_the_copy_too_stops_the_start()
    {
        Assert.Empty(Objection(Open(), Second, First));
        int bytes = _files.ReadAll(File).Length;
        for (int bit = 0; bit < bytes * 8; bit++)
        {
            _files.FlipBit(File, bit);
            Assert.NotEmpty(Objection(Open(), Second, Other));
            Assert.Equal(_files.ReadAll(Copy), _files.ReadAll(File));

            _files.FlipBit(File, bit);
            _files.FlipBit(Copy, bit);
            Assert.Equal(StorageErrorKind.Corrupt, Assert.Throws<StorageException>(() => Open()).Kind);
            _files.FlipBit(File, bit);
            _files.FlipBit(Copy, bit);
        }
    }

    [Fact]
    public void A_shorter_file_is_the_work_of_a_crash_only_when_the_copy_is_whole()
    {
        Assert.Empty(Objection(Open(), Second, First));
        for (int length = _files.ReadAll(File).Length - 1; length >= 0; length--)
        {
            _files.Truncate(File, length);
            Assert.NotEmpty(Objection(Open(), Second, Other));
            _files.Truncate(File, length);
            byte[] whole = _files.ReadAll(Copy);
            _files.Truncate(Copy, length);
            Assert.Throws<StorageException>(() => Open());
            _files.Overwrite(Copy, 0, whole);
        }
    }

    [Fact]
    public void A_start_of_a_member_that_is_known_can_be_remembered_on_a_full_disk()
    {
        Assert.Empty(Objection(Open(), Second, First, boot: 1));
        Assert.Empty(Objection(Open(), Third, First, boot: 1));
        _files.PowerCut();
        _files.Faults.SpaceBytesMax = _files.UsedBytes;

        KnownIncarnations known = Open();
        for (ulong boot = 2; boot < 20; boot++)
        {
            Assert.Empty(Objection(known, Second, First, boot));
            Assert.Empty(Objection(known, Third, First, boot));
        }

        Assert.NotEmpty(Objection(Open(), Second, First, boot: 18));
    }

    [Fact]
    public void A_power_cut_at_any_step_leaves_what_was_promised_before()
    {
        for (int step = 0; step < 40; step++)
        {
            var files = new SimulatedFileSystem(seed: (ulong)step);
            files.CreateDirectory(Directory);
            ulong promised = 0;
            try
            {
                files.Faults.CrashAtStep = files.Steps + step;
                KnownIncarnations known = KnownIncarnations.Open(files, Directory, Members, [], NullLogger.Instance);
                for (ulong boot = 1; boot <= 4 && Objection(known, Second, First, boot).Length == 0; boot++) promised = boot;
            }
            catch (Exception e) when (e is FileSystemException or StorageException)
            {
                // The crash came in a place where nothing can be answered any more.
            }

            files.PowerCut();
            KnownIncarnations after = KnownIncarnations.Open(files, Directory, Members, [], NullLogger.Instance);
            if (promised > 1) Assert.NotEmpty(Objection(after, Second, First, promised - 1));
            if (promised > 0) Assert.NotEmpty(Objection(after, Second, Other, promised + 9));
            Assert.Empty(Objection(after, Second, First, promised + 9));
        }
    }

    [Theory]
    [InlineData("n2,n3", "")]
    [InlineData("n9", "names 'n9', which is none of n1, n2, n3")]
    [InlineData("n1", "Give the flag to the others")]
    public void The_flag_takes_names_of_other_members(string names, string problem)
    {
        NodeFlags.Parsed parsed = NodeFlags.Parse(
            ["--name", "n1", "--listen-peer-urls", "http://127.0.0.1:1", "--initial-cluster", "n1=http://127.0.0.1:1,n2=http://127.0.0.1:2,n3=http://127.0.0.1:3"],
            [new("CONCLAVE_FORGET_MEMBER_DISK", names)]);

        if (problem.Length == 0) Assert.Equal(names.Split(','), parsed.Options!.ForgetMemberDisk);
        else Assert.Contains(problem, Assert.Single(parsed.Errors));
    }
}
