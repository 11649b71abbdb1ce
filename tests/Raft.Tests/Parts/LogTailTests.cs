using Conclave.Support;
using FsCheck;
using FsCheck.Fluent;

namespace Conclave.Raft.Tests;

public class LogTailTests(ITestOutputHelper output)
{
    [Fact]
    public void It_agrees_with_a_plain_list() => Properties.Holds(Prop.ForAll((PositiveInt[] steps) =>
    {
        var log = new LogTail(EntryId.Zero);
        var model = new List<Entry>();
        int compacted = 0;
        ulong term = 1;
        foreach (int step in steps.Select(s => s.Get))
        {
            switch (step % 5)
            {
                case 0 or 1 or 2: // append, often across a chunk
                    if (step % 3 == 0) term++;
                    for (int i = 0; i < step * 37 % 1500; i++)
                    {
                        var entry = new Entry(new LogIndex((ulong)model.Count + 1), new Term(term), EntryKind.Command, new byte[step % 7]);
                        model.Add(entry);
                        log.Append(entry);
                    }
                    break;
                case 3 when model.Count > compacted:
                    int keep = compacted + step * 31 % (model.Count - compacted);
                    model.RemoveRange(keep, model.Count - keep);
                    log.TruncateFrom(new LogIndex((ulong)keep + 1));
                    break;
                case 4 when model.Count > compacted:
                    compacted += 1 + step * 17 % (model.Count - compacted);
                    log.CompactTo(new LogIndex((ulong)compacted));
                    break;
            }
            if (!Same(log, model, compacted, step)) return false;
        }
        return true;
    }), output, tests: 300);

    private static bool Same(LogTail log, List<Entry> model, int compacted, int probe)
    {
        EntryId Id(int count) => count == 0 ? EntryId.Zero : model[count - 1].Id;
        if (log.Base != Id(compacted) || log.Last != Id(model.Count)) return false;
        if (log.PayloadBytes != model.Skip(compacted).Sum(e => (long)e.Payload.Length)) return false;
        var runs = new List<ReadOnlyMemory<Entry>>();
        log.AddRuns(log.Base.Index.Next, log.Last.Index, runs);
        if (!runs.SelectMany(r => r.ToArray()).Select(e => e.Id).SequenceEqual(model.Skip(compacted).Select(e => e.Id))) return false;

        var index = new LogIndex((ulong)(probe * 13 % (model.Count + 2)));
        var term = new Term((ulong)(probe % 9));
        int expected = Math.Min((int)index.Value, model.Count);
        while (expected > compacted && model[expected - 1].Term > term) expected--;
        bool found = (int)index.Value >= compacted && Id(expected).Term <= term;
        return log.TryLastNotAbove(index, term, out EntryId id) == found && (!found || id == Id(expected));
    }

    [Fact]
    public void A_slice_given_out_keeps_its_content_when_the_log_is_cut_and_grows_again()
    {
        var log = new LogTail(EntryId.Zero);
        foreach (Entry entry in TestNode.LogOf("1 1 1 1")) log.Append(entry);
        ReadOnlyMemory<Entry> slice = log.Slice(new LogIndex(2), 1000, out _);

        log.TruncateFrom(new LogIndex(3));
        foreach (Entry entry in TestNode.LogOf("2 2", after: 2)) log.Append(entry);

        Assert.Equal(["2@1", "3@1", "4@1"], slice.ToArray().Select(e => e.Id.ToString()));
        Assert.Equal(new EntryId(new(4), new(2)), log.Last);
    }

    [Fact]
    public void A_slice_stays_within_its_bytes_but_has_at_least_one_entry()
    {
        var log = new LogTail(EntryId.Zero);
        for (ulong i = 1; i <= 4; i++) log.Append(new Entry(new LogIndex(i), new Term(1), EntryKind.Command, new byte[100]));
        Assert.Equal(2, log.Slice(new LogIndex(1), 250, out long bytes).Length);
        Assert.Equal(200, bytes);
        Assert.Equal(1, log.Slice(new LogIndex(1), 10, out bytes).Length);
        Assert.Equal(100, bytes);
    }

    [Fact]
    public void A_range_over_several_chunks_is_whole()
    {
        var log = new LogTail(EntryId.Zero);
        for (ulong i = 1; i <= 3 * LogTail.ChunkEntries; i++) log.Append(new Entry(new LogIndex(i), new Term(1), EntryKind.Command, default));
        ReadOnlyMemory<Entry> range = log.Range(new LogIndex(5), new LogIndex(2 * LogTail.ChunkEntries + 7));
        for (int i = 0; i < range.Length; i++) Assert.Equal(new LogIndex((ulong)i + 5), range.Span[i].Index);
        Assert.Equal(2 * LogTail.ChunkEntries + 3, range.Length);
    }
}
