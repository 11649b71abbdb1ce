using System.Text;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Node.Tests.Peers;

public class OwnStartsTests
{
    private const string Directory = "/data/member", File = "/data/member/starts", Copy = "/data/member/starts.copy";
    private static readonly NodeId Second = new(0xB2), Third = new(0xC3);
    private static readonly Guid Incarnation = new("11111111-0000-0000-0000-000000000001");

    private readonly SimulatedFileSystem _files = new(seed: 1);

    private OwnStarts Open(ulong boot, Guid? incarnation = null) => Open(_files, boot, incarnation);

    private static OwnStarts Open(SimulatedFileSystem files, ulong boot, Guid? incarnation = null) =>
        OwnStarts.Open(files, Directory, incarnation ?? Incarnation, Start(boot), NullLogger.Instance);

    private static MemberStart Start(ulong boot) => new(boot, new Guid((int)boot, 0, 0, new byte[8]));

    [Fact]
    public void Starts_and_confirmations_outlive_a_power_cut()
    {
        Open(1).Confirm(Second);
        for (ulong boot = 2; boot <= 100; boot++)
        {
            _files.PowerCut();
            Open(boot);
        }

        _files.PowerCut();
        OwnStarts starts = Open(101);
        Assert.Equal([Start(38), .. Enumerable.Range(39, 63).Select(b => Start((ulong)b)), Start(1)], starts.ShownTo(Second));
        Assert.DoesNotContain(Start(1), starts.ShownTo(Third));
    }

    [Fact]
    public void The_file_is_for_people_to_read()
    {
        Open(1).Confirm(Second);

        string[] lines = Encoding.UTF8.GetString(_files.ReadAll(File)).Split('\n');

        Assert.Equal(["conclave-starts 1", $"directory {Incarnation}", $"start 1 {Start(1).Nonce}", $"confirmed 00000000000000b2 1 {Start(1).Nonce}", ""], lines[..5]);
    }

    [Fact]
    public void Starts_of_another_directory_are_not_shown()
    {
        Open(1).Confirm(Second);

        Assert.Equal([Start(1)], Open(1, new Guid("22222222-0000-0000-0000-000000000002")).ShownTo(Second));
    }

    [Fact]
    public void A_full_disk_stops_no_start()
    {
        Open(1).Confirm(Second);
        _files.PowerCut();
        _files.Faults.SpaceBytesMax = _files.UsedBytes;

        for (ulong boot = 2; boot < 90; boot++) Open(boot).Confirm(Third);

        Assert.Contains(Start(89), Open(90).ShownTo(Third));
    }

    [Fact]
    public void A_damaged_file_costs_nothing_and_a_damaged_copy_beside_it_stops_the_start()
    {
        Open(1);
        Open(2);
        for (long bit = 0; bit < 8 * 200; bit += 7)
        {
            _files.FlipBit(File, bit);
            Assert.Contains(Start(2), Open(2).ShownTo(Second));
            _files.FlipBit(File, bit);
            _files.FlipBit(Copy, bit);
            StorageException refusal = Assert.Throws<StorageException>(() => Open(3));
            Assert.Contains("conclave member replace", refusal.Message);
            _files.FlipBit(File, bit);
            _files.FlipBit(Copy, bit);
        }
    }

    [Fact]
    public void A_confirmation_that_cannot_be_written_is_tried_again()
    {
        OwnStarts starts = Open(1);
        _files.Faults.ReadOnly = true;
        starts.Confirm(Second);
        _files.Faults.ReadOnly = false;
        starts.Confirm(Second);

        for (ulong boot = 2; boot <= 100; boot++) starts = Open(boot);

        Assert.Contains(Start(1), starts.ShownTo(Second));
    }

    [Fact]
    public void A_power_cut_at_any_step_of_a_start_loses_none_that_was_shown()
    {
        for (int step = 0; step < 40; step++)
        {
            var files = new SimulatedFileSystem(seed: (ulong)step);
            files.CreateDirectory(Directory);
            ulong shown = 0;
            try
            {
                files.Faults.CrashAtStep = files.Steps + step;
                for (ulong boot = 1; boot <= 4; boot++)
                {
                    OwnStarts starts = Open(files, boot);
                    shown = boot;
                    starts.Confirm(Second);
                }
            }
            catch (StorageException)
            {
                // The crash came while it started.
            }

            files.PowerCut();
            OwnStarts after = Open(files, 9);
            for (ulong boot = 1; boot <= shown; boot++) Assert.Contains(Start(boot), after.ShownTo(Second));
        }
    }

    /// <summary>The story of the restored backup under a supervisor, over the files of both members.</summary>
    [Fact]
    public void A_restored_directory_is_kept_out_however_often_it_is_started()
    {
        var peer = new SimulatedFileSystem(seed: 2);
        MemberDirectory members = TestGate.Directory(new NodeId(0xA1), [(new NodeId(0xA1), new Uri("http://127.0.0.1:1")), (Second, new Uri("http://127.0.0.1:2"))]);
        KnownIncarnations known = KnownIncarnations.Open(peer, Directory, members, [], NullLogger.Instance);
        Open(1);
        SimulatedFileSystem backup = _files.Clone();
        Assert.True(Meet(known, Open(2), Start(2)).IsAccepted);

        for (int starts = 0; starts < 80; starts++)
        {
            var copied = new MemberStart((ulong)(2 + starts), Guid.NewGuid());
            AdmissionVerdict verdict = Meet(known, OwnStarts.Open(backup, Directory, Incarnation, copied, NullLogger.Instance), copied);
            Assert.Equal(AdmissionReason.OlderDirectory, verdict.Reason);
            known = KnownIncarnations.Open(peer, Directory, members, [], NullLogger.Instance);   // the other one starts again, too
        }

        Assert.True(Meet(known, Open(3), Start(3)).IsAccepted);
    }

    private static AdmissionVerdict Meet(KnownIncarnations known, OwnStarts starts, MemberStart present) => known.Judge(Second, MemberStanding.Member, LogIndex.Zero,
        new MemberCredentials(Incarnation, present.Boot, present.Nonce, LogIndex.Zero, EntryId.Zero) { Starts = starts.ShownTo(new NodeId(0xA1)) }, null, out _);
}
