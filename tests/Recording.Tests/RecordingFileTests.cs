using System.Reflection;
using Conclave.Raft;
using Conclave.Support;
using FsCheck;
using FsCheck.Fluent;
using MemberInfo = Conclave.Raft.MemberInfo;

namespace Conclave.Recording.Tests;

public class RecordingFileTests(ITestOutputHelper output)
{
    private static readonly byte[] Whole = Record();

    [Fact]
    public void A_file_cut_off_anywhere_ends_there_or_says_that_nothing_can_be_replayed() =>
        Properties.Holds(Prop.ForAll((NonNegativeInt place) =>
        {
            int length = place.Get * 7 % Whole.Length;
            try
            {
                using RecordingReader reader = RecordingReader.Open(new MemoryStream(Whole, 0, length), "cut");
                List<ReplayedBatch> batches = Recordings.Run(reader);
                Assert.All(batches, batch => Assert.Null(batch.Difference));
                Assert.Equal(RecordingEnd.Killed, reader.End);
            }
            catch (RecordingException e)
            {
                Assert.Contains("cut", e.Message, StringComparison.Ordinal);
            }
        }), output, tests: 300);

    [Fact]
    public void A_flipped_bit_never_goes_unnoticed()
    {
        int whole = Batches(Whole);
        Properties.Holds(Prop.ForAll((NonNegativeInt place, byte bit) =>
        {
            byte[] damaged = [.. Whole];
            int at = place.Get * 31 % damaged.Length;
            damaged[at] ^= (byte)(1 << (bit % 8));
            try
            {
                using RecordingReader reader = RecordingReader.Open(new MemoryStream(damaged), "damaged");
                // A length that points past the end looks like a file that was cut off: then batches are missing.
                Assert.True(Recordings.Run(reader).Count < whole || reader.End == RecordingEnd.Killed, $"byte {at}");
            }
            catch (RecordingException e)
            {
                Assert.NotEmpty(e.Message);
            }
        }), output, tests: 300);
    }

    [Fact]
    public void Any_bytes_after_the_magic_are_refused_or_end_the_file() =>
        Properties.Holds(Prop.ForAll((byte[] noise) =>
        {
            byte[] file = [.. RecordingFormat.Magic, .. noise];
            Assert.Throws<RecordingException>(() => RecordingReader.Open(new MemoryStream(file), "noise"));
        }), output);

    [Fact]
    public void Every_option_comes_back_and_where_a_part_begins()
    {
        RaftOptions options = new() { Self = new NodeId(ulong.MaxValue), Seed = ulong.MaxValue - 1 };
        int number = 100;
        foreach (PropertyInfo option in typeof(RaftOptions).GetProperties().Where(option => option.CanWrite && option.Name is not ("Self" or "Seed")))
            option.SetValue(options, option.PropertyType == typeof(bool) ? true : Convert.ChangeType(++number, option.PropertyType, System.Globalization.CultureInfo.InvariantCulture));
        PartStart part = new(new RecordingStart(123, "1.2.3", options), 456, 7, 89, 1011);
        BodyWriter body = new();
        StartCodec.Write(body, part);

        Assert.Equal(part, StartCodec.Read(new BodyReader(body.Body.ToArray())));
    }

    [Fact]
    public void A_recording_of_the_format_before_is_named_as_such()
    {
        RecordingException e = Assert.Throws<RecordingException>(() => RecordingReader.Open(new MemoryStream([.. "CNCLREC1"u8, 1, 2, 3]), "old"));
        Assert.Contains("before recordings had parts", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_kind_of_input_has_a_form()
    {
        NodeId node = new(5);
        SnapshotId snapshot = new(Id(9, 2), Membership.Of(node));
        List<RaftInput> inputs =
        [
            RaftInput.Tick(), RaftInput.Tick(), RaftInput.Received(new HeartbeatRequest { From = node, To = new NodeId(6), Term = new Term(2), Commit = new LogIndex(3), ReadEpoch = 4 }),
            RaftInput.Propose(new[] { new Proposal(1, new byte[] { 1 }), new Proposal(2, default) }), RaftInput.Read(ulong.MaxValue), RaftInput.Persisted(new IoTicket(3)), RaftInput.Applied(new LogIndex(4)),
            RaftInput.SnapshotTaken(snapshot), RaftInput.SnapshotReceived(node, new Term(3), snapshot), RaftInput.SnapshotInstalled(snapshot), RaftInput.SnapshotSendFinished(node, ok: true),
            RaftInput.LinkUp(node), RaftInput.LinkDown(node), RaftInput.ChangeMembership(8, new MembershipChange(MembershipChangeKind.AddVoter, node, [new MemberInfo(node, new byte[] { 7 })])),
            RaftInput.Transfer(NodeId.None),
        ];
        BodyWriter body = new();
        InputCodec.Write(body, inputs);
        List<RaftInput> read = [];
        InputCodec.ReadAll(new BodyReader(body.Body.ToArray()), read);

        Assert.Equal(Enum.GetValues<RaftInputKind>().Order(), inputs.Select(input => input.Kind).Distinct().Order());
        Assert.Equal(inputs.Select(input => input.ToString()), read.Select(input => input.ToString()));
        BodyWriter again = new();
        InputCodec.Write(again, read);
        Assert.Equal(body.Body.ToArray(), again.Body.ToArray());
    }

    private static int Batches(byte[] file)
    {
        using RecordingReader reader = RecordingReader.Open(new MemoryStream(file), "whole");
        return Recordings.Run(reader).Count;
    }

    private static byte[] Record()
    {
        using RecordedCluster cluster = new(3);
        cluster.Run(steps: 80);
        cluster.Stop();
        return File.ReadAllBytes(cluster.Nodes[0].Recordings[0]);
    }

    private static EntryId Id(ulong index, ulong term) => new(new LogIndex(index), new Term(term));
}
