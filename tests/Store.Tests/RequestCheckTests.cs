using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Store.Tests;

public class RequestCheckTests(ITestOutputHelper output)
{
    private static StoreError Txn(TxnOf txn, int maxOps = 128) => RequestCheck.Txn(txn.ToBytes(), out _, out _, out _, maxOps);

    private static TxnOf Then(params Request[] operations) => new([], operations, []);

    private static TxnOf Either(Request[] success, Request[] failure) => new([], success, failure);

    [Fact]
    public void Puts_ranges_and_deletes_are_checked_in_order()
    {
        Assert.Equal(StoreError.KeyNotProvided, RequestCheck.Put(new PutOf("", "v") { IgnoreValue = true }.ToBytes()));
        Assert.Equal(StoreError.ValueProvided, RequestCheck.Put(new PutOf("k", "v") { IgnoreValue = true, IgnoreLease = true, Lease = 1 }.ToBytes()));
        Assert.Equal(StoreError.LeaseProvided, RequestCheck.Put(new PutOf("k") { IgnoreValue = true, IgnoreLease = true, Lease = 1 }.ToBytes()));
        Assert.Equal(StoreError.None, RequestCheck.Put(new PutOf("k") { IgnoreValue = true, IgnoreLease = true }.ToBytes()));
        Assert.Equal(StoreError.KeyNotProvided, RequestCheck.Range(new RangeOf("") { Order = 9 }.ToBytes(), out _));
        Assert.Equal(StoreError.InvalidSortOption, RequestCheck.Range(new RangeOf("k") { Order = 3 }.ToBytes(), out _));
        Assert.Equal(StoreError.InvalidSortOption, RequestCheck.Range(new RangeOf("k") { Target = 5 }.ToBytes(), out _));
        Assert.Equal(StoreError.InvalidSortOption, RequestCheck.Range(new RangeOf("k") { Target = -1 }.ToBytes(), out _));
        Assert.Equal(StoreError.None, RequestCheck.Range(new RangeOf("k") { Serializable = true }.ToBytes(), out bool serializable));
        Assert.True(serializable);
        Assert.Equal(StoreError.KeyNotProvided, RequestCheck.DeleteRange(new DeleteOf("", "z").ToBytes()));
        Assert.Equal(StoreError.LeaseTtlTooLarge, RequestCheck.LeaseGrant(new GrantOf(0, 9_000_000_001).ToBytes(), out _, out _));
        Assert.Equal(StoreError.None, RequestCheck.LeaseGrant(new GrantOf(-4, 9_000_000_000).ToBytes(), out long id, out long ttl));
        Assert.Equal((-4, 9_000_000_000), (id, ttl));
        Assert.Equal(StoreError.None, RequestCheck.Compact(new CompactTo(12).ToBytes(), out long revision, out bool physical));
        Assert.Equal((12, false), (revision, physical));
        Assert.Equal(StoreError.None, RequestCheck.LeaseRevoke(new RevokeOf(-9).ToBytes(), out id));
        Assert.Equal(-9, id);
        Assert.Equal(StoreError.None, RequestCheck.Alarm(new AlarmOf(1, 1, 1).ToBytes(), out bool readOnly));
        Assert.False(readOnly);
    }

    [Fact]
    public void Operations_are_counted_per_level_and_nested_ones_share_the_allowance()
    {
        Request[] many = [.. Enumerable.Range(0, 128).Select(i => new RangeOf("k" + i))];
        Assert.Equal(StoreError.None, Txn(new TxnOf([], many, many)));
        Assert.Equal(StoreError.TooManyOperations, Txn(new TxnOf([], [], [.. many, new RangeOf("k")])));
        Assert.Equal(StoreError.TooManyOperations, Txn(new TxnOf([.. Enumerable.Range(0, 129).Select(i => new CompareOf("k", 0, 0))], [], [])));
        Assert.Equal(StoreError.None, Txn(Then(Then(many[..127]))));
        Assert.Equal(StoreError.TooManyOperations, Txn(Then(Then(many))));
        Assert.Equal(StoreError.None, Txn(Then(many[..3]), maxOps: 3));
        Assert.Equal(StoreError.TooManyOperations, Txn(Then(many[..4]), maxOps: 3));
    }

    [Fact]
    public void The_count_comes_before_the_keys_and_the_keys_before_repeated_ones()
    {
        Assert.Equal(StoreError.TooManyOperations, Txn(Then([.. Enumerable.Repeat(new PutOf(""), 129)])));
        Assert.Equal(StoreError.KeyNotProvided, Txn(new TxnOf([new CompareOf("", 0, 0)], [new PutOf("a"), new PutOf("a")], [])));
        Assert.Equal(StoreError.KeyNotProvided, Txn(Then(new PutOf("a"), new PutOf("a"), new RangeOf(""))));
        Assert.Equal(StoreError.ValueProvided, Txn(Either([new PutOf("a"), new PutOf("a")], [new PutOf("b", "v") { IgnoreValue = true }])));
        Assert.Equal(StoreError.KeyNotFound, RequestCheck.Txn(new Proto().Message(2, new Proto()).ToArray(), out _, out _, out _));
        Assert.Equal(StoreError.InvalidSortOption, Txn(Then(new RangeOf("a") { Order = 7 })));
    }

    [Fact]
    public void A_key_is_not_put_twice_nor_put_and_deleted_in_one_run()
    {
        Assert.Equal(StoreError.DuplicateKey, Txn(Then(new PutOf("a"), new PutOf("a"))));
        Assert.Equal(StoreError.DuplicateKey, Txn(Either([], [new PutOf("a"), new PutOf("b"), new PutOf("a")])));
        Assert.Equal(StoreError.None, Txn(Either([new PutOf("a")], [new PutOf("a")])));
        Assert.Equal(StoreError.DuplicateKey, Txn(Then(new PutOf("b"), new DeleteOf("a", "c"))));
        Assert.Equal(StoreError.DuplicateKey, Txn(Then(new DeleteOf("a", "\0"), new PutOf("b"))));
        Assert.Equal(StoreError.None, Txn(Then(new DeleteOf("a", "b"), new PutOf("b"))));
        Assert.Equal(StoreError.None, Txn(Then(new DeleteOf("a", "c"), new DeleteOf("b", "d"))));
        Assert.Equal(StoreError.None, Txn(Then(new PutOf("a"), new RangeOf("a"), new RangeOf("a", "\0"))));
    }

    [Fact]
    public void Nested_operations_count_with_their_parent_but_two_branches_exclude_each_other()
    {
        Assert.Equal(StoreError.None, Txn(Then(Either([new PutOf("a")], [new PutOf("a")]))));
        Assert.Equal(StoreError.None, Txn(Then(Either([new PutOf("a")], [new DeleteOf("a")]))));
        Assert.Equal(StoreError.DuplicateKey, Txn(Then(Either([new PutOf("a")], []), new PutOf("a"))));
        Assert.Equal(StoreError.DuplicateKey, Txn(Then(new PutOf("a"), Either([], [new PutOf("a")]))));
        Assert.Equal(StoreError.DuplicateKey, Txn(Then(new DeleteOf("a", "b"), Either([], [Then(new PutOf("a"))]))));
        Assert.Equal(StoreError.DuplicateKey, Txn(Then(Then(new PutOf("a")), Then(new DeleteOf("a")))));
        Assert.Equal(StoreError.DuplicateKey, Txn(Then(Then(new DeleteOf("a")), Then(new PutOf("a")))));
        Assert.Equal(StoreError.None, Txn(Then(Then(new PutOf("a")), Then(new PutOf("b")))));
    }

    [Fact]
    public void A_transaction_is_classified()
    {
        Assert.Equal((true, true, false), Class(new TxnOf([], [new RangeOf("a") { Serializable = true }], [])));
        Assert.Equal((true, false, false), Class(new TxnOf([], [new RangeOf("a") { Serializable = true }], [new RangeOf("a")])));
        Assert.Equal((true, true, false), Class(new TxnOf([new CompareOf("a", 0, 0)], [], [])));
        Assert.Equal((false, false, false), Class(Then(new DeleteOf("a"))));
        Assert.Equal((false, false, true), Class(Either([], [new PutOf("a")])));
        Assert.Equal((false, false, true), Class(Then(Then(new PutOf("a")))));
        Assert.Equal((false, false, false), Class(Then(Then(new RangeOf("a")))));

        static (bool, bool, bool) Class(TxnOf txn)
        {
            Assert.Equal(StoreError.None, RequestCheck.Txn(txn.ToBytes(), out bool readOnly, out bool serializable, out bool writes));
            return (readOnly, serializable, writes);
        }
    }

    [Fact]
    public void Hostile_nesting_is_refused_at_once()
    {
        byte[] deep = [];
        for (int i = 0; i < 1000; i++)
            deep = new Proto().Message(2, RawMessage(new Proto().Bytes(4, deep))).ToArray();
        Assert.Equal(StoreError.TooManyOperations, RequestCheck.Txn(deep, out _, out _, out _));
        Assert.Equal(StoreError.TooManyOperations, RequestCheck.Txn(deep, out _, out _, out _, int.MaxValue));

        // Both branches ten times, four levels down: the allowance per level would let 160,000 operations pass.
        TxnOf wide = Then(new PutOf("k"));
        for (int level = 0; level < 4; level++)
            wide = Either([.. Enumerable.Repeat(wide, 10)], [.. Enumerable.Repeat(wide, 10)]);
        Assert.Equal(StoreError.TooManyOperations, Txn(wide));

        static Proto RawMessage(Proto proto) => proto;
    }

    [Fact]
    public void No_bytes_make_a_check_or_an_application_throw() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(400), program =>
        {
            var choices = new Choices(program);
            var model = new ModelStore();
            var random = new RandomRequests(choices, () => model);
            KeyValueStore secured = Auth.AuthTestStore.WithAlice((PermissionKind.ReadWrite, "k", "\0"));
            var store = new KeyValueStore(new StoreOptions());
            using var client = new WatchClient(store);
            while (choices.AreLeft)
            {
                Request request = choices.Chance(30) ? random.Range() : random.Command();
                byte[] bytes = request.ToBytes();
                for (int damage = choices.Below(4); damage > 0 && bytes.Length > 0; damage--)
                {
                    int at = choices.Below(bytes.Length);
                    if (choices.Chance(30))
                        bytes = bytes[..at];
                    else
                        bytes[at] = (byte)choices.Below(256);
                }

                RequestCheck.Put(bytes);
                RequestCheck.DeleteRange(bytes);
                RequestCheck.Range(bytes, out _);
                RequestCheck.Compact(bytes, out _, out _);
                RequestCheck.LeaseGrant(bytes, out _, out _);
                RequestCheck.LeaseRevoke(bytes, out _);
                RequestCheck.Alarm(bytes, out _);
                StoreError txn = RequestCheck.Txn(bytes, out bool readOnly, out _, out _);
                client.Session.Submit(bytes);
                var kind = (CommandKind)(1 + choices.Below(8));
                store.Apply(store.AppliedIndex + 1, 1, new Command(kind, 1, 1, bytes), true);
                secured.Apply(secured.AppliedIndex + 1, 1, new Command((CommandKind)(1 + choices.Below(21)), 1, 1, bytes, default, CommandIdentity.Of(choices.Of("root", "alice"), ulong.MaxValue)), true);
                store.Publish();
                store.View.Range(bytes, new System.Buffers.ArrayBufferWriter<byte>());
                store.View.AlarmGet(bytes, new System.Buffers.ArrayBufferWriter<byte>());
                if (readOnly || txn != StoreError.None)
                    store.View.ReadOnlyTxn(bytes, new System.Buffers.ArrayBufferWriter<byte>());
                client.TakeAll();
            }

            SavedStateTests.Load(SavedStateTests.Save(store.View));
        }), output, tests: 500);

    [Fact]
    public void Fields_come_in_any_order_the_last_one_counts_and_unknown_ones_are_passed_over()
    {
        byte[] put =
        [
            .. new Proto().Bytes(2, "first"u8.ToArray()).Number(99, 5).Bytes(1, "x"u8.ToArray()).ToArray(),
            0x7B, 0x08, 0x01, 0x7B, 0x7C, 0x7C,             // groups 15, one inside the other
            0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7D, 1, 2, 3, 4, // fixed64 and fixed32 of field 15
            .. new Proto().Bytes(1, "k"u8.ToArray()).Bytes(2, "second"u8.ToArray()).ToArray(),
        ];
        Assert.Equal(StoreError.None, RequestCheck.Put(put));
        var store = new KeyValueStore(new StoreOptions());
        Assert.Equal(StoreError.None, store.Apply(1, 1, new Command(CommandKind.Put, 0, 0, put), true).Error);
        store.Publish();
        Assert.Equal("range [k(c2 m2 v1 l0)=second] of 1", StorePair.ReadText(store.View, new RangeOf("\0", "\0")));
        Assert.Equal(StoreError.Malformed, RequestCheck.Put([0x7B, 0x08, 0x01]));
        Assert.Equal(StoreError.Malformed, RequestCheck.Put([0x7C]));
        Assert.Equal(StoreError.Malformed, RequestCheck.Put([0x02, 0x00]));
        Assert.Equal(StoreError.Malformed, RequestCheck.Put([0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]));
    }
}
