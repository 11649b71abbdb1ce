using Conclave.Fuzz.Engine;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using StoreCompare = Conclave.Store.Requests.Compare;
using WireCompare = Conclave.Wire.Etcd.Etcdserverpb.Compare;

namespace Conclave.Fuzz.Targets;

/// <summary>The store's own readers of requests beside the protobuf library's. The first byte chooses the request.</summary>
internal sealed class StoreRequestTarget : FuzzTarget
{
    public override string Name => "store-request";

    public override (long Fixed, long PerByte) MemoryMax => (128 << 10, 512);

    public override IReadOnlyList<byte[]> Corpus() =>
    [
        .. Of(0, StoreSamples.Puts), .. Of(1, StoreSamples.Deletes), .. Of(2, StoreSamples.Ranges), .. Of(3, StoreSamples.Txns), .. Of(4, StoreSamples.Watches),
        .. Of(5, [new LeaseGrantRequest { ID = 7, TTL = 60 }]), .. Of(6, [new LeaseRevokeRequest { ID = 7 }]), .. Of(7, [new CompactionRequest { Revision = 5, Physical = true }]),
        .. Of(8, [new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate, MemberID = 3, Alarm = AlarmType.Corrupt }]), .. Of(9, StoreSamples.Txns[0].Compare), .. Of(10, StoreSamples.Watches[..2].Select(watch => watch.CreateRequest)),
    ];

    public override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        ReadOnlySpan<byte> message = input.AsSpan(1);
        switch (input[0] % 11)
        {
            case 0: Compare(message, PutRequest.Parser, Same, b => PutRequestOk(b)); break;
            case 1: Compare(message, DeleteRangeRequest.Parser, Same, b => Store.Requests.DeleteRangeRequest.TryParse(b, out _)); break;
            case 2: Compare(message, RangeRequest.Parser, Same, b => Store.Requests.RangeRequest.TryParse(b, out _)); break;
            case 3: Txn(message); break;
            case 4: Compare(message, WatchRequest.Parser, Same, b => Store.Requests.WatchRequest.TryParse(b, out _)); break;
            case 5: Compare(message, LeaseGrantRequest.Parser, Same, b => Store.Requests.LeaseGrantRequest.TryParse(b, out _)); break;
            case 6: Compare(message, LeaseRevokeRequest.Parser, Same, b => Store.Requests.LeaseRevokeRequest.TryParse(b, out _)); break;
            case 7: Compare(message, CompactionRequest.Parser, Same, b => Store.Requests.CompactionRequest.TryParse(b, out _)); break;
            case 8: Compare(message, AlarmRequest.Parser, Same, b => Store.Requests.AlarmRequest.TryParse(b, out _)); break;
            case 9: Compare(message, WireCompare.Parser, Same, b => StoreCompare.TryParse(b, out _)); break;
            default: Compare(message, WatchCreateRequest.Parser, Same, b => Store.Requests.WatchCreateRequest.TryParse(b, out _)); break;
        }
    }

    private static bool PutRequestOk(ReadOnlySpan<byte> bytes) => Store.Requests.PutRequest.TryParse(bytes, out _);

    private delegate bool Parse(ReadOnlySpan<byte> bytes);

    private delegate bool AreSame<T>(ReadOnlySpan<byte> bytes, T expected);

    /// <summary>Both refuse, or both give the same; and what the library wrote is never refused. A tag above 32 bits is the one thing that only the library lets pass.</summary>
    private static void Compare<T>(ReadOnlySpan<byte> bytes, MessageParser<T> library, AreSame<T> same, Parse parse) where T : IMessage<T>
    {
        bool parsed = parse(bytes);
        T expected;
        try
        {
            expected = MessageBytes.Parse(library, bytes);
        }
        catch (UnreadableMessageException)
        {
            return;   // we take some that it does not: a group that ends with another number, wrong bytes in a part nobody asks for
        }

        byte[] canonical = expected.ToByteArray();
        if (parsed) Holds(same(bytes, expected), $"the library reads another {typeof(T).Name}: {expected}");
        Holds(parse(canonical) && same(canonical, expected), $"the library writes another {typeof(T).Name}: {expected}");
    }

    private static void Txn(ReadOnlySpan<byte> bytes)
    {
        StoreError error = RequestCheck.Txn(bytes, out _, out _, out _);
        RequestCheck.Txn(bytes, out _, out _, out _, maxOps: int.MaxValue);
        if (error != StoreError.None) return;
        try
        {
            TxnRequest txn = MessageBytes.Parse(TxnRequest.Parser, bytes);
            // The library merges repeated members of a union where etcd and we take the last, so only what has none of them is compared.
            byte[] canonical = txn.ToByteArray();
            if (canonical.AsSpan().SequenceEqual(bytes)) Holds(RequestCheck.Txn(canonical, out _, out _, out _) == StoreError.None, "equal bytes, equal answer");
            Holds(txn.Compare.Count <= RequestCheck.TxnOperationsDefault && txn.Success.Count <= RequestCheck.TxnOperationsDefault && txn.Failure.Count <= RequestCheck.TxnOperationsDefault, "the bound on operations");
        }
        catch (UnreadableMessageException)
        {
            // It refuses deeper nesting than we do.
        }
    }

    private static IEnumerable<byte[]> Of(byte kind, IEnumerable<IMessage> messages) => messages.Select(message => (byte[])[kind, .. message.ToByteArray()]);

    private static bool Same(ReadOnlySpan<byte> b, PutRequest e) => Store.Requests.PutRequest.TryParse(b, out Store.Requests.PutRequest r)
        && r.Key.SequenceEqual(e.Key.Span) && r.Value.SequenceEqual(e.Value.Span) && r.Lease == e.Lease && r.PreviousWanted == e.PrevKv && r.IgnoreValue == e.IgnoreValue && r.IgnoreLease == e.IgnoreLease;

    private static bool Same(ReadOnlySpan<byte> b, DeleteRangeRequest e) => Store.Requests.DeleteRangeRequest.TryParse(b, out Store.Requests.DeleteRangeRequest r)
        && r.Key.SequenceEqual(e.Key.Span) && r.RangeEnd.SequenceEqual(e.RangeEnd.Span) && r.PreviousWanted == e.PrevKv;

    private static bool Same(ReadOnlySpan<byte> b, RangeRequest e) => Store.Requests.RangeRequest.TryParse(b, out Store.Requests.RangeRequest r)
        && r.Key.SequenceEqual(e.Key.Span) && r.RangeEnd.SequenceEqual(e.RangeEnd.Span) && r.Limit == e.Limit && r.Revision == e.Revision && (int)r.Order == (int)e.SortOrder && (int)r.Target == (int)e.SortTarget
        && r.Serializable == e.Serializable && r.KeysOnly == e.KeysOnly && r.CountOnly == e.CountOnly
        && r.ModMin == e.MinModRevision && r.ModMax == e.MaxModRevision && r.CreateMin == e.MinCreateRevision && r.CreateMax == e.MaxCreateRevision;

    private static bool Same(ReadOnlySpan<byte> b, WatchRequest e) => Store.Requests.WatchRequest.TryParse(b, out Store.Requests.WatchRequest r) && (int)r.Kind == (int)e.RequestUnionCase;

    private static bool Same(ReadOnlySpan<byte> b, WatchCreateRequest e) => Store.Requests.WatchCreateRequest.TryParse(b, out Store.Requests.WatchCreateRequest r)
        && (e.Key.IsEmpty || r.Key.SequenceEqual(e.Key.Span)) && r.RangeEnd.SequenceEqual(e.RangeEnd.Span) && r.StartRevision == e.StartRevision && r.Progress == e.ProgressNotify && r.PreviousWanted == e.PrevKv && r.WatchId == e.WatchId
        && r.Fragment == e.Fragment && r.SkipsPuts == e.Filters.Contains(WatchCreateRequest.Types.FilterType.Noput) && r.SkipsDeletes == e.Filters.Contains(WatchCreateRequest.Types.FilterType.Nodelete);

    private static bool Same(ReadOnlySpan<byte> b, LeaseGrantRequest e) => Store.Requests.LeaseGrantRequest.TryParse(b, out Store.Requests.LeaseGrantRequest r) && r.Id == e.ID && r.TtlSeconds == e.TTL;

    private static bool Same(ReadOnlySpan<byte> b, LeaseRevokeRequest e) => Store.Requests.LeaseRevokeRequest.TryParse(b, out Store.Requests.LeaseRevokeRequest r) && r.Id == e.ID;

    private static bool Same(ReadOnlySpan<byte> b, CompactionRequest e) => Store.Requests.CompactionRequest.TryParse(b, out Store.Requests.CompactionRequest r) && r.Revision == e.Revision && r.Physical == e.Physical;

    private static bool Same(ReadOnlySpan<byte> b, AlarmRequest e) => Store.Requests.AlarmRequest.TryParse(b, out Store.Requests.AlarmRequest r) && (int)r.Action == (int)e.Action && r.MemberId == e.MemberID && (int)r.Alarm == (int)e.Alarm;

    private static bool Same(ReadOnlySpan<byte> b, WireCompare e) => StoreCompare.TryParse(b, out StoreCompare r)
        && r.Key.SequenceEqual(e.Key.Span) && r.RangeEnd.SequenceEqual(e.RangeEnd.Span) && (int)r.Result == (int)e.Result && (int)r.Target == (int)e.Target
        && e.Target switch
        {
            WireCompare.Types.CompareTarget.Version => r.Number == e.Version,
            WireCompare.Types.CompareTarget.Create => r.Number == e.CreateRevision,
            WireCompare.Types.CompareTarget.Mod => r.Number == e.ModRevision,
            WireCompare.Types.CompareTarget.Lease => r.Number == e.Lease,
            WireCompare.Types.CompareTarget.Value => r.Value.SequenceEqual(e.Value.Span),
            _ => true,   // no target that is known; nothing is compared
        };
}
