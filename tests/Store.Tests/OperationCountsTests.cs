using System.Buffers;
using Conclave.Store.Tests.Auth;

namespace Conclave.Store.Tests;

/// <summary>What is expected here is what etcd 3.4 counts for the same requests.</summary>
public class OperationCountsTests
{
    private static readonly CompareOf True = new("k", Target: 0, Result: 0, Number: 1), False = new("k", Target: 0, Result: 0, Number: 9);

    private readonly KeyValueStore _store = new(new StoreOptions());

    public OperationCountsTests()
    {
        Do(new PutOf("k", "v"));
        Do(new GrantOf(5, 60));
    }

    [Fact]
    public void A_put_is_one_and_a_range_more_when_it_looks_first()
    {
        Assert.Equal("puts 1 bytes 2", Counted(new PutOf("k", "v")));
        Assert.Equal("ranges 1 puts 1 txns 1 bytes 2", Counted(new PutOf("k", "w") { Previous = true }));
        Assert.Equal("ranges 1 puts 1 txns 1 bytes 2", Counted(new PutOf("k") { IgnoreValue = true }));
        Assert.Equal("ranges 1 puts 1 txns 1 bytes 2", Counted(new PutOf("k", "v") { IgnoreLease = true }));
        Assert.Equal("ranges 1", Counted(new PutOf("none") { IgnoreValue = true }));
        Assert.Equal("", Counted(new PutOf("k", "v") { Lease = 77 }));
    }

    [Fact]
    public void A_deletion_is_one_however_many_keys_it_meets()
    {
        foreach (string key in (string[])["a1", "a2", "a3"]) Do(new PutOf(key));
        Assert.Equal("deletes 1", Counted(new DeleteOf("a", "b")));
        Assert.Equal("deletes 1", Counted(new DeleteOf("a", "b")));
        Assert.Equal("ranges 1 deletes 1 txns 1", Counted(new DeleteOf("k") { Previous = true }));
    }

    [Fact]
    public void A_transaction_counts_when_it_is_more_than_one_operation()
    {
        Assert.Equal("puts 2 txns 1 bytes 2", Counted(Then(new PutOf("a"), new PutOf("b"))));
        Assert.Equal("puts 1 bytes 1", Counted(Then(new PutOf("a"))));
        Assert.Equal("ranges 1 puts 1 bytes 1", Counted(new TxnOf([True], [new PutOf("a")], [])));
        Assert.Equal("ranges 1 puts 1 bytes 1", Counted(new TxnOf([False, True], [], [new PutOf("a")])));
        Assert.Equal("ranges 2 puts 1 txns 1 bytes 1", Counted(new TxnOf([True, True], [new PutOf("a")], [])));
        Assert.Equal("ranges 4 puts 1 deletes 1 txns 1 bytes 1",
            Counted(new TxnOf([new("a", Target: 4, Result: 0)], [new PutOf("c") { Previous = true }, new RangeOf("a"), new DeleteOf("b") { Previous = true }], [])));
        Assert.Equal("ranges 2 puts 1 txns 1 bytes 1", Counted(new TxnOf([True], [new TxnOf([True], [new PutOf("b")], [])], [])));
        Assert.Equal("ranges 2 puts 1 txns 1 bytes 2", Counted(Then(new PutOf("k") { IgnoreValue = true })));
    }

    [Fact]
    public void A_transaction_that_is_refused_counts_what_was_looked_at()
    {
        Assert.Equal("ranges 1", Counted(Then(new PutOf("k"), new PutOf("none") { IgnoreValue = true })));
        Assert.Equal("ranges 1", Counted(new TxnOf([True], [new PutOf("k") { Lease = 77 }], [])));
        Assert.Equal("", Counted(Then(new PutOf("k"), new RangeOf("a") { Revision = 9_999 })));
    }

    [Fact]
    public void Keys_that_go_with_their_lease_are_deletions()
    {
        Do(new PutOf("a") { Lease = 5 });
        Do(new PutOf("b") { Lease = 5 });
        Assert.Equal("deletes 2 txns 1", Counted(new RevokeOf(5)));
        Assert.Equal("", Counted(new RevokeOf(5)));
    }

    [Fact]
    public void What_views_answer_counts_too()
    {
        _store.Publish();
        Assert.Equal("ranges 1", Counted(() => _store.View.Range(new RangeOf("k").ToBytes(), new ArrayBufferWriter<byte>())));
        Assert.Equal("ranges 1", Counted(() => _store.View.Range(new RangeOf("k") { Revision = 9_999 }.ToBytes(), new ArrayBufferWriter<byte>())));
        Assert.Equal("", Counted(() => _store.View.Range([0xff], new ArrayBufferWriter<byte>())));
        Assert.Equal("", Counted(() => _store.View.Range(new RangeOf("k").ToBytes(), new ArrayBufferWriter<byte>(), counts: false)));   // the server's own
        Assert.Equal("ranges 1", Counted(() => Read(Then(new RangeOf("k")))));
        Assert.Equal("ranges 2 txns 1", Counted(() => Read(Then(new RangeOf("k"), new RangeOf("none")))));
        Assert.Equal("ranges 2 txns 1", Counted(() => Read(new TxnOf([True, True], [], []))));
        Assert.Equal("", Counted(() => Read(Then(new RangeOf("k") { Revision = 9_999 }))));
    }

    [Fact]
    public void Members_that_nobody_asked_count_the_same()
    {
        var silent = new KeyValueStore(new StoreOptions());
        Request[] requests = [new PutOf("k", "v"), new PutOf("k", "w") { Previous = true }, new TxnOf([True], [new RangeOf("k"), new DeleteOf("k", "l") { Previous = true }], [new RangeOf("k"), new PutOf("j")])];
        foreach (Request request in requests)
        {
            Assert.True(Command.TryDecode(Command.Encode(StorePair.KindOf(request), 1, 1, request.ToBytes()), out Command command));
            silent.Apply(silent.AppliedIndex + 1, 1, command, wantResponse: false);
        }

        Assert.Equal("ranges 3 puts 3 txns 2 bytes 5", Words(silent.Counts));
    }

    [Fact]
    public void What_an_earlier_process_applied_does_not_count_again()
    {
        _store.Counts.CountedBefore = _store.AppliedIndex + 1;
        Assert.Equal("", Counted(new PutOf("k", "v")));
        Assert.Equal("puts 1 bytes 2", Counted(new PutOf("k", "v")));
    }

    [Fact]
    public void Another_state_does_not_begin_the_counts_anew()
    {
        KeyValueStore other = new(new StoreOptions());
        other.Do(new PutOf("a"));
        other.Do(new PutOf("b"));
        other.Publish();
        using var saved = new MemoryStream();
        KeyValueStore.Save(other.View, saved);
        saved.Position = 0;
        string before = Words(_store.Counts);

        _store.Install(KeyValueStore.Load(saved, new StoreOptions()));

        Assert.Equal(before, Words(_store.Counts));
        Assert.Equal("puts 1 bytes 2", Counted(new PutOf("k", "v")));
        _store.Publish();
        Assert.Equal("ranges 1", Counted(() => _store.View.Range(new RangeOf("k").ToBytes(), new ArrayBufferWriter<byte>())));
    }

    [Fact]
    public void Versions_that_a_compaction_gives_back_are_counted()
    {
        Do(new PutOf("k", "w"));
        Do(new DeleteOf("k"));
        Do(new PutOf("a"));
        _store.Publish();
        Do(new CompactTo(_store.View.Revision));
        for (int i = 0; i < 10 || _store.HasBackgroundWork; i++) _store.Publish();
        Assert.Equal(3, _store.Counts.Reclaimed);   // two values and the tombstone
    }

    private static TxnOf Then(params Request[] operations) => new([], operations, []);

    private void Read(TxnOf request) => _store.View.ReadOnlyTxn(request.ToBytes(), new ArrayBufferWriter<byte>());

    private void Do(Request request) => _store.Do(request);

    private string Counted(Request request) => Counted(() => Do(request));

    private string Counted(Action what)
    {
        long[] before = Values(_store.Counts);
        what();
        return Words([.. Values(_store.Counts).Zip(before, (after, earlier) => after - earlier)]);
    }

    private static string Words(OperationCounts counts) => Words(Values(counts));

    private static string Words(long[] values) =>
        string.Join(" ", values.Zip((string[])["ranges", "puts", "deletes", "txns", "bytes"]).Where(each => each.First != 0).Select(each => $"{each.Second} {each.First}"));

    private static long[] Values(OperationCounts counts) => [counts.Ranges, counts.Puts, counts.Deletes, counts.Txns, counts.PutBytes];
}
