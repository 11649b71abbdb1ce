using Conclave.Support;
using FsCheck;
using FsCheck.Fluent;
using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests;

public class SavedCoreTests(ITestOutputHelper output)
{
    [Fact]
    public void What_was_loaded_is_saved_as_the_same_bytes_and_is_the_same_core() =>
        Properties.Holds(Prop.ForAll((int seed, NonNegativeInt steps) =>
        {
            var cluster = new RandomCluster(seed, size: 1 + (seed & 3));
            cluster.Run(100 + steps.Get * 11 % 500);
            foreach (TestNode node in cluster.Nodes)
            {
                foreach (bool payloads in (bool[])[true, false])
                {
                    byte[] bytes = SavedCores.Bytes(node.Core, payloads);
                    Assert.Equal(bytes, SavedCores.Bytes(SavedCores.Load(node.Options, bytes), payloads));
                }
                Assert.Equal(node.Core.Fingerprint(), SavedCores.Load(node.Options, SavedCores.Bytes(node.Core)).Fingerprint());
            }
        }), output, tests: 100);

    [Fact]
    public void Bytes_that_were_changed_are_refused_or_are_another_state_and_never_a_surprise()
    {
        var cluster = new RandomCluster(6);
        cluster.Run(400);
        TestNode node = cluster.Nodes.MaxBy(n => SavedCores.Bytes(n.Core).Length)!; // there are three
        byte[] whole = SavedCores.Bytes(node.Core);
        int refused = 0;
        Properties.Holds(Prop.ForAll((NonNegativeInt place, byte value) =>
        {
            byte[] changed = [.. whole];
            int at = place.Get * 31 % whole.Length;
            changed[at] = changed[at] == value ? (byte)~value : value;
            if (!RaftCore.TryLoad(node.Options, changed, out RaftCore? core)) refused++;
            else Assert.Equal(changed, SavedCores.Bytes(core));
        }), output, tests: 3_000);
        Assert.InRange(refused, 100, 2_999); // or the changes hit nothing but payloads, or nothing can be read at all
    }

    [Fact]
    public void What_was_cut_off_or_goes_on_too_long_is_refused()
    {
        TestNode node = NodeWith("1 1 2");
        byte[] whole = SavedCores.Bytes(node.Core);
        for (int length = 0; length < whole.Length; length++) Assert.False(RaftCore.TryLoad(node.Options, whole.AsMemory(0, length), out _));
        Assert.False(RaftCore.TryLoad(node.Options, (byte[])[.. whole, 0], out _));
        Assert.False(RaftCore.TryLoad(node.Options with { Self = new(2) }, whole, out _));
        Assert.Throws<ArgumentException>(() => RaftCore.TryLoad(node.Options with { HeartbeatTicks = 0 }, whole, out _));
    }

    [Fact]
    public void A_number_in_a_longer_form_than_it_needs_is_refused()
    {
        byte[] whole = SavedCores.Bytes(NodeWith("").Core);
        // format, payloads, then the length of the state: here with a byte that adds nothing
        ulong length = (ulong)(whole.Length - 4);
        Assert.Equal(((byte)(length & 0x7F | 0x80), (byte)(length >> 7)), (whole[2], whole[3]));
        byte[] longer = [whole[0], whole[1], whole[2], (byte)(whole[3] | 0x80), 0, .. whole[4..]];
        Assert.False(RaftCore.TryLoad(TestNode.OptionsFor(1), longer, out _));
    }

    [Fact]
    public void Messages_of_a_loaded_leader_end_where_those_of_the_saved_one_do()
    {
        // They end where a chunk of the log does, and after a compaction the log begins in the middle of one.
        const int Entries = 1_500, Covered = 600;
        TestNode node = NodeWith(string.Join(' ', Enumerable.Repeat("1", Entries)), change: options => options with { SnapshotTrailingEntries = 10 });
        node.Receive(Append(from: 2, term: 1, Id(Entries, 1), "", commit: Entries));
        node.Step(RaftInput.SnapshotTaken(new SnapshotId(Id(Covered, 1), ThreeVoters)));
        Assert.Equal(Id(Covered - 10, 1), node.Core.LogBase);

        RaftCore loaded = SavedCores.Load(node.Options, SavedCores.Bytes(node.Core, payloads: false));

        LogIndex first = loaded.LogBase.Index.Next;
        Assert.Equal(LogTail.ChunkEntries - (Covered - 10), node.Core.Log.Slice(first, long.MaxValue, out long bytes).Length);
        Assert.Equal((LogTail.ChunkEntries - (Covered - 10), bytes), (loaded.Log.Slice(first, long.MaxValue, out long again).Length, again));
    }

    [Fact]
    public void Without_payloads_a_log_is_saved_in_little_and_knows_how_long_they_are()
    {
        TestNode node = NodeWith(string.Join(' ', Enumerable.Repeat("1", 5_000)));

        byte[] saved = SavedCores.Bytes(node.Core, payloads: false);
        RaftCore loaded = SavedCores.Load(node.Options, saved);

        Assert.InRange(saved.Length, 100, 400); // the state, and a few bytes for a thousand entries
        Assert.Equal((node.Core.LogBytes, node.Core.LastEntry), (loaded.LogBytes, loaded.LastEntry));
        Assert.Throws<InvariantViolationException>(() => loaded.Log[new LogIndex(7)].Payload.Span[0]);
        Assert.Throws<InvariantViolationException>(() => SavedCores.Bytes(loaded, payloads: true));
    }

    [Fact]
    public void A_few_bytes_claim_no_memory_for_entries_that_are_not_there()
    {
        byte[] saved = SavedCores.Bytes(NodeWith("1 1 1 1 1").Core, payloads: false);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int at = 0; at < saved.Length; at++)
        {
            byte[] changed = [.. saved];
            changed[at] = 0x7F;
            _ = RaftCore.TryLoad(TestNode.OptionsFor(1), changed, out _);
        }
        Assert.True((GC.GetAllocatedBytesForCurrentThread() - before) / saved.Length < 400_000);
    }
}
