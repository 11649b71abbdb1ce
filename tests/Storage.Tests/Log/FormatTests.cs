using System.Text;
using Conclave.Raft;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Storage.Tests;

/// <summary>The codecs of the log: total over any bytes, and every bit counts.</summary>
public class FormatTests(ITestOutputHelper output)
{
    private const uint Seed = 0xABCD;

    [Fact]
    public void The_checksum_is_crc32c()
    {
        Assert.Equal(0xE3069283u, Crc32C.Of("123456789"u8));
        Properties.Holds(Prop.ForAll((byte[] first, byte[] second) =>
            Crc32C.Append(Crc32C.Of(first), second) == Crc32C.Of([.. first, .. second])), output);
    }

    [Fact]
    public void A_batch_reads_back_what_was_encoded() => Properties.Holds(Prop.ForAll((byte[][] payloads, ulong number) =>
    {
        byte[] batch = Encode(payloads, number, out uint chain);
        Assert.Equal(0, batch.Length % 512);
        Assert.Equal(BatchHeaderCheck.Good, BatchHeader.TryRead(batch.AsSpan(0, 512), Seed, out BatchHeader header, out uint read));
        Assert.Equal((number, chain, payloads.Length), (header.Number, read, header.Records));
        ReadOnlySpan<byte> content = batch.AsSpan(0, header.ContentBytes);
        Assert.Equal(BatchBodyCheck.Good, BatchReader.Check(content, header, Seed, out _, out _));
        int offset = BatchHeader.Bytes;
        for (int i = 0; i < payloads.Length; i++)
        {
            RecordHeader record = BatchReader.Next(content, Seed, ref offset, out ReadOnlySpan<byte> payload);
            Assert.Equal((ulong)i + 1, record.Id.Index.Value);
            Assert.True(payload.SequenceEqual(payloads[i]));
        }
    }), output);

    [Fact]
    public void A_batch_cut_at_any_byte_is_torn_or_empty_or_complete()
    {
        byte[] batch = Encode([Encoding.ASCII.GetBytes(new string('x', 700)), new byte[600], [1]], 5, out _);
        BatchHeader.TryRead(batch.AsSpan(0, 512), Seed, out BatchHeader whole, out _);
        for (int cut = 0; cut <= batch.Length; cut++)
        {
            byte[] prefix = new byte[batch.Length];
            batch.AsSpan(0, cut).CopyTo(prefix);
            BatchHeaderCheck check = BatchHeader.TryRead(prefix.AsSpan(0, 512), Seed, out BatchHeader header, out _);
            Assert.NotEqual(BatchHeaderCheck.Damaged, check);
            if (check == BatchHeaderCheck.Good)
                Assert.NotEqual(BatchBodyCheck.Damaged, BatchReader.Check(prefix.AsSpan(0, header.ContentBytes), header, Seed, out _, out _));
            Assert.True(cut < whole.ContentBytes || BatchReader.Check(prefix.AsSpan(0, header.ContentBytes), header, Seed, out _, out _) == BatchBodyCheck.Good);
        }
    }

    [Fact]
    public void A_batch_wiped_up_to_any_byte_is_not_damage()
    {
        byte[] batch = Encode([Encoding.ASCII.GetBytes(new string('x', 700))], 5, out _);
        for (int wiped = 1; wiped <= 512; wiped++)
        {
            batch.AsSpan(0, wiped).Clear();
            Assert.Equal(BatchHeaderCheck.Empty, BatchHeader.TryRead(batch.AsSpan(0, 512), Seed, out _, out _));
        }
    }

    [Fact]
    public void Any_set_of_lost_sectors_is_torn_and_any_flipped_bit_is_damage_or_harmless()
    {
        byte[][] payloads = [Encoding.ASCII.GetBytes(new string('x', 700)), new byte[1600], [1, 2, 3]];
        byte[] batch = Encode(payloads, 5, out _);
        BatchHeader.TryRead(batch.AsSpan(0, 512), Seed, out BatchHeader header, out _);
        int sectors = batch.Length / 512;
        for (int lost = 0; lost < 1 << (sectors - 1); lost++)
        {
            byte[] torn = (byte[])batch.Clone();
            for (int sector = 1; sector < sectors; sector++)
                if ((lost >> (sector - 1) & 1) == 1)
                    torn.AsSpan(sector * 512, 512).Clear();
            BatchBodyCheck check = BatchReader.Check(torn.AsSpan(0, header.ContentBytes), header, Seed, out _, out _);
            Assert.Equal(torn.AsSpan(0, header.ContentBytes - 8).SequenceEqual(batch.AsSpan(0, header.ContentBytes - 8)) ? BatchBodyCheck.Good : BatchBodyCheck.Torn, check);
        }
        for (int bit = 0; bit < header.ContentBytes * 8; bit++)
        {
            byte[] flipped = (byte[])batch.Clone();
            flipped[bit / 8] ^= (byte)(1 << bit % 8);
            if (bit < BatchHeader.Bytes * 8)
                Assert.Equal(BatchHeaderCheck.Damaged, BatchHeader.TryRead(flipped.AsSpan(0, 512), Seed, out _, out _));
            else
                Assert.NotEqual(BatchBodyCheck.Torn, BatchReader.Check(flipped.AsSpan(0, header.ContentBytes), header, Seed, out _, out _));
        }
    }

    [Fact]
    public void Sectors_with_a_bit_or_two_hide_no_lost_sector_and_no_flipped_bit()
    {
        byte[] payload = new byte[3000];
        payload[700] = 1; // one bit in the second sector
        payload[1300] = 3; // two in the third; the fourth and the fifth are zeros
        "it matters"u8.CopyTo(payload.AsSpan(2600));
        byte[] batch = Encode([payload, "and this"u8.ToArray()], 5, out _);
        BatchHeader.TryRead(batch.AsSpan(0, 512), Seed, out BatchHeader header, out _);
        int sectors = batch.Length / 512;
        Assert.Equal(3, header.SparseSectors);
        for (int lost = 1; lost < 1 << (sectors - 1); lost++)
        {
            byte[] torn = (byte[])batch.Clone();
            bool differs = false, onlySparse = true;
            for (int sector = 1; sector < sectors; sector++)
            {
                Span<byte> bytes = torn.AsSpan(sector * 512, 512);
                if ((lost >> (sector - 1) & 1) == 0 || !bytes.ContainsAnyExcept((byte)0))
                    continue;
                (differs, onlySparse) = (true, onlySparse && Sectors.HasOneBit(bytes));
                bytes.Clear();
            }
            // What the loss of a sector of one bit looks like is what a flipped bit looks like too: refused, to be safe.
            Assert.Equal(!differs ? BatchBodyCheck.Good : onlySparse ? BatchBodyCheck.Damaged : BatchBodyCheck.Torn,
                BatchReader.Check(torn.AsSpan(0, header.ContentBytes), header, Seed, out _, out _));
        }
        for (int bit = BatchHeader.Bytes * 8; bit < header.ContentBytes * 8; bit++)
        {
            byte[] flipped = (byte[])batch.Clone();
            flipped[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.NotEqual(BatchBodyCheck.Torn, BatchReader.Check(flipped.AsSpan(0, header.ContentBytes), header, Seed, out _, out _));
        }
    }

    [Fact]
    public void A_batch_of_another_segment_or_another_life_is_never_valid() => Properties.Holds(Prop.ForAll((byte[] payload, uint otherSeed) =>
    {
        byte[] batch = Encode([payload], 3, out _);
        return otherSeed == Seed || BatchHeader.TryRead(batch.AsSpan(0, 512), otherSeed, out _, out _) != BatchHeaderCheck.Good;
    }), output);

    [Fact]
    public void Segments_differ_in_their_seed()
    {
        var seeds = new HashSet<uint>();
        for (ulong sequence = 0; sequence < 2000; sequence++)
            Assert.True(seeds.Add(Header(sequence).Seed));
    }

    [Fact]
    public void No_bytes_make_a_reader_throw() => Properties.Holds(Prop.ForAll((byte[] noise, byte[] more) =>
    {
        byte[] sector = new byte[512];
        noise.AsSpan(0, Math.Min(noise.Length, 512)).CopyTo(sector);
        BatchHeader.TryRead(sector, Seed, out _, out _);
        BatchHeader.TryRead(noise, Seed, out _, out _);
        SegmentHeader.TryRead(noise, out _, out _);
        SegmentHeader.TryRead(sector, out _, out _);
        SuperblockContent.TryRead(sector, out _, out _);
        RecordHeader.TryRead(noise, Seed, out _);
        // A good header in front of any body.
        byte[] batch = Encode([more, noise], 1, out _);
        BatchHeader.TryRead(batch.AsSpan(0, 512), Seed, out BatchHeader header, out _);
        for (int i = 0; i < noise.Length; i++)
            batch[BatchHeader.Bytes + i * 7 % (header.ContentBytes - BatchHeader.Bytes)] ^= noise[i];
        BatchReader.Check(batch.AsSpan(0, header.ContentBytes), header, Seed, out int offset, out _);
        Assert.InRange(offset, BatchHeader.Bytes, header.ContentBytes);
    }), output, tests: 500);

    [Fact]
    public void Headers_read_back_what_was_written()
    {
        byte[] sector = new byte[512];
        SegmentHeader header = Header(77);
        header.Write(sector);
        Assert.Equal(HeaderCheck.Good, SegmentHeader.TryRead(sector, out SegmentHeader read, out _));
        Assert.Equal(header, read);
        Assert.Equal(HeaderCheck.Damaged, SegmentHeader.TryRead(sector.AsSpan(0, 511), out _, out _));

        SuperblockContent content = new SuperblockContent
        {
            Identity = header.Identity,
            Sequence = 9,
            ParentChecksum = 8,
            OldestSegment = 7,
            NewestSegment = 6,
            Base = header.PreviousEntry,
            HardState = header.HardState,
            Bootstrap = Membership.Of(new NodeId(3), new NodeId(5)),
        }.Write(sector);
        Assert.Equal(HeaderCheck.Good, SuperblockContent.TryRead(sector, out SuperblockContent? same, out _));
        Assert.Equal(content, same);
    }

    [Fact]
    public void Runs_of_terms_agree_with_a_list_of_entries() => Properties.Holds(Prop.ForAll((byte[] steps) =>
    {
        var runs = new TermRuns(EntryId.Zero);
        List<EntryId> slow = [EntryId.Zero]; // the base, then the entries
        foreach (byte step in steps)
        {
            switch (step % 4)
            {
                case 0 or 1:
                    slow.Add(new EntryId(slow[^1].Index.Next, new Term(slow[^1].Term.Value + step / 4u % 3)));
                    runs.Append(slow[^1]);
                    break;
                case 2 when slow.Count > 1:
                    int from = 1 + step / 4 % (slow.Count - 1);
                    runs.TruncateFrom(slow[from].Index);
                    slow.RemoveRange(from, slow.Count - from);
                    break;
                case 3:
                    int upTo = step / 4 % slow.Count;
                    runs.CompactTo(slow[upTo]);
                    slow.RemoveRange(0, upTo);
                    break;
            }
            if (runs.Base != slow[0] || runs.Last != slow[^1] || slow.Exists(entry => runs.TermAt(entry.Index) != entry.Term))
                return false;
        }
        return true;
    }), output);

    // The log has entries 1 to 3 of term 2.
    [Theory]
    [InlineData(2, 2, 9, true, false)]
    [InlineData(3, 2, 9, true, false)]
    [InlineData(4, 2, 9, false, true)]
    [InlineData(2, 3, 9, false, true)] // replaced by its leader's own
    [InlineData(2, 1, 9, false, true)] // replaced by what a later leader had
    [InlineData(2, 3, 3, false, true)]
    [InlineData(2, 3, 2, false, false)] // of a term that nobody has heard of
    [InlineData(2, 1, 2, false, false)] // there was no later leader
    public void A_log_must_contain_its_base_or_may_have_lost_it_with_its_end(ulong index, ulong term, ulong newestTerm, bool contained, bool mayBeMissing)
    {
        var replay = new LogReplay(new EntryId(new LogIndex(index), new Term(term)));
        replay.StartAt(Header(1) with { PreviousEntry = EntryId.Zero, HardState = default, PreviousBatch = 0 });
        byte[] batch = Encode([[1], [2], [3]], 1, out uint chain);
        BatchHeader.TryRead(batch.AsSpan(0, 512), Seed, out BatchHeader header, out _);
        Assert.Empty(replay.Apply(batch.AsSpan(0, header.ContentBytes), header, chain, Seed));
        Assert.Equal((contained, mayBeMissing), (replay.ProblemAtEnd(new Term(newestTerm), out bool endIsMissing).Length == 0, endIsMissing));
    }

    [Theory, InlineData(12, 14, false), InlineData(13, 13, true), InlineData(13, 15, true)]
    public void A_log_that_begins_after_its_base_has_not_lost_its_end(ulong index, ulong term, bool mayBeMissing)
    {
        var replay = new LogReplay(new EntryId(new LogIndex(index), new Term(term)));
        replay.StartAt(Header(1)); // after 13@14
        Assert.NotEmpty(replay.ProblemAtEnd(new Term(15), out bool endIsMissing));
        Assert.Equal(mayBeMissing, endIsMissing);
    }

    private static SegmentHeader Header(ulong sequence) => new()
    {
        Identity = new StorageIdentity(1, 2, new Guid(3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)),
        Sequence = sequence,
        SegmentBytes = 1 << 20,
        Alignment = 4096,
        PreviousBatch = 11,
        PreviousChain = 12,
        PreviousEntry = new EntryId(new LogIndex(13), new Term(14)),
        HardState = new HardState(new Term(15), new NodeId(16)),
        IsReset = sequence % 2 == 1,
    };

    private static byte[] Encode(byte[][] payloads, ulong number, out uint chain)
    {
        var encoder = new BatchEncoder();
        encoder.Begin(Seed, BatchHeader.Bytes + BatchTrailer.Bytes + (int)payloads.Sum(payload => RecordHeader.SizeOf(payload.Length)));
        for (int i = 0; i < payloads.Length; i++)
            encoder.AddEntry(new Entry(new LogIndex((ulong)i + 1), new Term(2), EntryKind.Command, payloads[i]));
        return encoder.Finish(number, default, LogIndex.Zero, previousChain: 1, flags: 0, out chain).ToArray();
    }
}
