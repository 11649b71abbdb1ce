using System.Buffers;

namespace Conclave.Store.Tests;

/// <summary>The rows that were observed on a real etcd and concern the store, in one session as they were recorded.</summary>
public class ContractVectorTests
{
    private readonly KeyValueStore _store = new(new StoreOptions());

    private string Do(Request request)
    {
        ApplyOutcome outcome = StorePair.ApplyTo(_store, request);
        _store.Publish();
        return $"@{outcome.Revision} {StorePair.Text(request, outcome.Error, outcome.Body)}";
    }

    private string Get(RangeOf range) => $"@{_store.View.Revision} {StorePair.ReadText(_store.View, range)}";

    [Fact]
    public void Recorded_answers_of_etcd()
    {
        Assert.Equal("@2 put", Do(new PutOf("foo", "bar")));
        Assert.Equal("@3 put over foo(c2 m2 v1 l0)=bar", Do(new PutOf("foo", "baz") { Previous = true }));
        Assert.Equal("@3 range [foo(c2 m3 v2 l0)=baz] of 1", Get(new RangeOf("foo")));
        Assert.Equal("@3 range [] of 0", Get(new RangeOf("x", "y")));
        Assert.Equal("@3 range [foo(c2 m3 v2 l0)=] of 1", Get(new RangeOf("foo") { KeysOnly = true }));
        Assert.Equal("@3 FutureRevision", Get(new RangeOf("foo") { Revision = 99 }));
        Assert.Equal("@3 KeyNotProvided", Get(new RangeOf("")));
        Assert.Equal("@4 txn True {@3 range [foo(c2 m3 v2 l0)=baz] of 1 | @4 put}",
            Do(new TxnOf([new CompareOf("foo", 0, 0, 2)], [new RangeOf("foo"), new PutOf("a", "b")], [])));
        Assert.Equal("@5 txn False {@5 deleted 1 [a(c4 m4 v1 l0)=b]}",
            Do(new TxnOf([new CompareOf("foo", 1, 0, 0)], [], [new DeleteOf("a") { Previous = true }])));
        Assert.Equal("@5 granted 2324035532218763790 for 30", Do(new GrantOf(2324035532218763790, 30)));
        Assert.Equal("@5 granted 1234 for 30", Do(new GrantOf(1234, 30)));
        Assert.Equal("@5 LeaseExists", Do(new GrantOf(1234, 30)));
        Assert.Equal("@5 LeaseNotFound", Do(new RevokeOf(99)));
        Assert.Equal("@6 put", Do(new PutOf("mylock/4d2") { Lease = 1234 }));
        Assert.Equal("@7 put", Do(new PutOf("el/4d2", "v1") { Lease = 1234 }));
        Assert.Equal("@7 LeaseNotFound", Do(new PutOf("lock", "v1") { Lease = 77 }));
        Assert.Equal("@7 ", Do(new CompactTo(3)));
        Assert.Equal("@7 Compacted", Do(new CompactTo(3)));
        Assert.Equal("@7 FutureRevision", Do(new CompactTo(1000)));

        using var client = new WatchClient(_store);
        client.Create("foo", start: 1);
        client.Create("foo", start: 3, previous: true);
        client.Create("a", start: 4);
        Assert.Equal("""
            [0 @7 created ]
            [0 @0 canceled compacted 3 ]
            [1 @7 created ]
            [2 @7 created ]
            [1 @7 PUT foo(c2 m3 v2 l0)=baz]
            [2 @7 PUT a(c4 m4 v1 l0)=b; DELETE a(c0 m5 v0 l0)=]
            """, string.Join("\n", client.TakeAll()));
        Assert.Equal("@8 ", Do(new RevokeOf(1234)));
        Assert.Equal("@8 range [foo(c2 m3 v2 l0)=baz] of 1", Get(new RangeOf("\0", "\0")));
    }

    [Fact]
    public void Answers_have_the_bytes_that_etcd_sends()
    {
        Do(new PutOf("foo", "bar"));
        var body = new ArrayBufferWriter<byte>();
        Assert.Equal(StoreError.None, _store.View.Range(new RangeOf("foo").ToBytes(), body));
        Assert.Equal("1210 0A03666F6F 1002 1802 2001 2A03626172 2001".Replace(" ", ""), Convert.ToHexString(body.WrittenSpan));
        ApplyOutcome outcome = StorePair.ApplyTo(_store, new TxnOf([], [new RangeOf("x"), new TxnOf([], [], []), new PutOf("y")], []));
        // succeeded, then three ResponseOps: range {header {revision 2}}, txn {header {}, succeeded}, put {header {revision 3}}
        Assert.Equal("1001 1A06 0A04 0A021802 1A06 2204 0A00 1001 1A06 1204 0A021803".Replace(" ", ""), Convert.ToHexString(outcome.Body.Span));
    }

    [Fact]
    public void Compaction_to_revision_0_is_accepted_once_and_changes_nothing()
    {
        Do(new PutOf("a", "1"));
        Assert.Equal(-1, _store.View.CompactRevision);
        Assert.Equal("@2 ", Do(new CompactTo(0)));
        Assert.Equal("@2 Compacted", Do(new CompactTo(0)));
        Assert.Equal("@2 range [] of 0", Get(new RangeOf("a") { Revision = 1 }));
    }

    [Fact]
    public void Alarms_stop_what_they_stop_and_nothing_else()
    {
        Do(new GrantOf(5, 10));
        Do(new PutOf("a", "1"));
        Assert.Equal("@2 alarms 1 of 7", Do(new AlarmOf(1, 7, 1)));
        Assert.True(_store.View.HasAlarm(AlarmKind.NoSpace));
        Assert.Equal("@2 NoSpace", Do(new PutOf("a", "2")));
        Assert.Equal("@2 NoSpace", Do(new GrantOf(6, 10)));
        Assert.Equal("@2 NoSpace", Do(new TxnOf([], [], [new TxnOf([], [new PutOf("a")], [])])));
        Assert.Equal("@3 txn True {@3 deleted 1 []}", Do(new TxnOf([], [new DeleteOf("a")], [])));
        Assert.Equal("@3 ", Do(new RevokeOf(5)));
        Assert.Equal("@3 alarms 1 of 7", Do(new AlarmOf(2, 7, 1)));
        Assert.Equal("@3 alarms ", Do(new AlarmOf(2, 7, 1)));
        Assert.Equal("@4 put", Do(new PutOf("a", "2")));

        Do(new AlarmOf(1, 8, 2));
        Assert.Equal("@4 Corrupt", Do(new PutOf("a", "3")));
        Assert.Equal("@4 Corrupt", Do(new DeleteOf("a")));
        Assert.Equal("@4 Corrupt", Do(new CompactTo(2)));
        Assert.Equal("@4 range [a(c4 m4 v1 l0)=2] of 1", Get(new RangeOf("a")));
        Do(new AlarmOf(2, 8, 2));
        Assert.Equal("@5 put", Do(new PutOf("a", "3")));
    }

    [Fact]
    public void The_quota_is_about_what_is_held_and_compaction_lowers_it()
    {
        var store = new KeyValueStore(new StoreOptions { QuotaBytes = 200_000 });
        Assert.True(store.View.SizeBytes > 0);
        while (!store.IsOverQuota(256 + 100))
        {
            StorePair.ApplyTo(store, new PutOf("a", new string('x', 100)));
            store.Publish();
        }

        Assert.InRange(store.View.SizeBytes, 199_000, 200_000);
        Assert.InRange(store.View.SizeInUseBytes, 1, 20_000);
        StorePair.ApplyTo(store, new CompactTo(store.View.Revision));
        store.Publish();
        while (store.HasBackgroundWork)
            store.Publish();
        Assert.Equal(store.View.SizeInUseBytes, store.View.SizeBytes);
        Assert.Equal(store.View.Revision, store.View.ReclaimedRevision);
        Assert.False(store.IsOverQuota(100_000));
        Assert.False(new KeyValueStore(new StoreOptions { QuotaBytes = -1 }).IsOverQuota(long.MaxValue / 2));
    }

    [Fact]
    public void Entries_are_applied_in_order_once_each()
    {
        _store.AdvanceApplied(1, 1);
        Assert.Throws<InvalidOperationException>(() => _store.AdvanceApplied(1, 1));
        Assert.Throws<InvalidOperationException>(() => _store.AdvanceApplied(3, 1));
    }

    [Fact]
    public void A_command_survives_its_envelope()
    {
        byte[] payload = Command.Encode(CommandKind.Txn, 0x1122334455667788, ulong.MaxValue, "body"u8);
        Assert.Equal(Command.HeaderBytes + 4, payload.Length);
        Assert.True(Command.TryDecode(payload, out Command command));
        Assert.Equal((CommandKind.Txn, 0x1122334455667788UL, ulong.MaxValue), (command.Kind, command.Origin, command.RequestId));
        Assert.Equal("body"u8, command.Body.Span);
        for (int cut = 0; cut < Command.HeaderBytes; cut++)
            Assert.False(Command.TryDecode(payload.AsMemory(0, cut), out _));
        payload[1] = 22;
        Assert.False(Command.TryDecode(payload, out _));
        payload[1] = 1;
        payload[0] = 4;
        Assert.False(Command.TryDecode(payload, out _));
    }
}
