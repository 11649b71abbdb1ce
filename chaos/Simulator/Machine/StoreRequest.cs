using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>A request to the key-value store as one would say it. The store gets its bytes, the oracle the request itself: the two share no parser.</summary>
internal abstract record StoreRequest
{
    public abstract CommandKind Kind { get; }

    /// <summary>The session it belongs to, and its number there; default for none.</summary>
    public SessionSequence Session { get; init; }

    public abstract byte[] Body();

    /// <summary>For people.</summary>
    public sealed override string ToString() => (Session.IsNone ? "" : $"{Session.Id}.{Session.Sequence} ") + Text;

    protected abstract string Text { get; }

    protected static string Interval(string key, string end) => end.Length == 0 ? key : $"[{key}, {end})";
}

/// <summary>A request that is a protobuf message, and may be an operation of a transaction.</summary>
internal abstract record StoreOperation : StoreRequest
{
    /// <summary>Its field in etcd's RequestOp.</summary>
    public abstract int OperationField { get; }

    public abstract ProtoWriter Encode();

    public override byte[] Body() => Encode().ToArray();
}

internal sealed record PutRequest(string Key, string Value) : StoreOperation
{
    public long Lease { get; init; }
    public bool Previous { get; init; }

    /// <summary>The value stays as it is; there has to be one.</summary>
    public bool IgnoreValue { get; init; }

    public override CommandKind Kind => CommandKind.Put;
    protected override string Text => $"put {Key} {(Value.Length > 16 ? $"{Value[..16]}..{Value.Length}" : Value)} lease {Lease}{(Previous ? " prev" : "")}";
    public override int OperationField => 2;

    public override ProtoWriter Encode() => new ProtoWriter().Text(1, Key).Text(2, Value).Number(3, Lease).Flag(4, Previous).Flag(5, IgnoreValue);
}

/// <param name="Key">First key.</param>
/// <param name="End">First key behind the range; empty for the one key.</param>
internal sealed record DeleteRequest(string Key, string End = "") : StoreOperation
{
    public bool Previous { get; init; }

    public override CommandKind Kind => CommandKind.DeleteRange;
    protected override string Text => $"delete {Interval(Key, End)}{(Previous ? " prev" : "")}";
    public override int OperationField => 3;

    public override ProtoWriter Encode() => new ProtoWriter().Text(1, Key).Text(2, End).Flag(3, Previous);
}

/// <param name="Key">First key.</param>
/// <param name="End">First key behind the range; empty for the one key.</param>
internal sealed record RangeRequest(string Key, string End = "") : StoreOperation
{
    public long Limit { get; init; }
    public long Revision { get; init; }
    public bool KeysOnly { get; init; }
    public bool CountOnly { get; init; }

    protected override string Text => $"range {Interval(Key, End)}{(Limit > 0 ? $" limit {Limit}" : "")}{(Revision > 0 ? $" at {Revision}" : "")}{(KeysOnly ? " keys" : "")}{(CountOnly ? " count" : "")}";
    public override CommandKind Kind => throw new InvalidOperationException("A read is no command.");
    public override int OperationField => 1;

    public override ProtoWriter Encode() =>
        new ProtoWriter().Text(1, Key).Text(2, End).Number(3, Limit).Number(4, Revision).Flag(8, KeysOnly).Flag(9, CountOnly);
}

internal enum CompareTarget
{
    Version = 0, Create = 1, Mod = 2, Value = 3, Lease = 4,
}

internal enum CompareResult
{
    Equal = 0, Greater = 1, Less = 2, NotEqual = 3,
}

internal sealed record CompareRequest(string Key, CompareTarget Target, CompareResult Result, long Number = 0, string Value = "")
{
    public ProtoWriter Encode()
    {
        ProtoWriter proto = new ProtoWriter().Number(1, (int)Result).Number(2, (int)Target).Text(3, Key);
        return Target switch
        {
            CompareTarget.Value => proto.Bytes(7, System.Text.Encoding.Latin1.GetBytes(Value)),
            CompareTarget.Lease => proto.Zero(8, Number),
            _ => proto.Zero(4 + (int)Target, Number),
        };
    }
}

internal sealed record TxnRequest(CompareRequest[] Compares, StoreOperation[] Success, StoreOperation[] Failure) : StoreOperation
{
    public override CommandKind Kind => CommandKind.Txn;
    protected override string Text => $"if {string.Join(" and ", Compares.Select(c => $"{c.Target} of {c.Key} {c.Result} {c.Number}{c.Value}"))} then {string.Join("; ", Success.Select(o => o.ToString()))} else {string.Join("; ", Failure.Select(o => o.ToString()))}";
    public override int OperationField => 4;

    public override ProtoWriter Encode()
    {
        var proto = new ProtoWriter();
        foreach (CompareRequest compare in Compares) proto.Message(1, compare.Encode());
        foreach (StoreOperation operation in Success) proto.Message(2, new ProtoWriter().Message(operation.OperationField, operation.Encode()));
        foreach (StoreOperation operation in Failure) proto.Message(3, new ProtoWriter().Message(operation.OperationField, operation.Encode()));
        return proto;
    }
}

internal sealed record LeaseGrantRequest(long Id, long TtlSeconds) : StoreRequest
{
    public override CommandKind Kind => CommandKind.LeaseGrant;
    protected override string Text => $"grant {Id} for {TtlSeconds} s";

    public override byte[] Body() => CommandBody.LeaseGrant(Id, TtlSeconds);
}

internal sealed record LeaseRevokeRequest(long Id) : StoreRequest
{
    /// <summary>When a leader's clock said that its time was over; null when a client does not want it any more.</summary>
    public long? ExpiredAt { get; init; }

    public override CommandKind Kind => CommandKind.LeaseRevoke;
    protected override string Text => $"revoke {Id}{(ExpiredAt is null ? "" : ", expired")}";

    public override byte[] Body() => CommandBody.LeaseRevoke(Id);
}

internal sealed record CompactRequest(long Revision) : StoreRequest
{
    public override CommandKind Kind => CommandKind.Compact;
    protected override string Text => $"compact {Revision}";

    public override byte[] Body() => CommandBody.Compact(Revision);
}

internal sealed record AttributesRequest(ulong Member, string Attributes) : StoreRequest
{
    public override CommandKind Kind => CommandKind.MemberAttributes;
    protected override string Text => $"attributes of {Member}";

    public override byte[] Body() => CommandBody.MemberAttributes(Member, System.Text.Encoding.Latin1.GetBytes(Attributes));
}
