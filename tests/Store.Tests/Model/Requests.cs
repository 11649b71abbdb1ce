namespace Conclave.Store.Tests;

/// <summary>Requests as a person would write them down, and their encoding.</summary>
public abstract record Request
{
    public abstract Proto Encode();

    public byte[] ToBytes() => Encode().ToArray();
}

public sealed record RangeOf(string Key, string End = "") : Request
{
    public long Limit, Revision, ModMin, ModMax, CreateMin, CreateMax;
    public int Order, Target;
    public bool Serializable, KeysOnly, CountOnly;

    public override Proto Encode() => new Proto().Text(1, Key).Text(2, End).Number(3, Limit).Number(4, Revision).Number(5, Order).Number(6, Target)
        .Flag(7, Serializable).Flag(8, KeysOnly).Flag(9, CountOnly).Number(10, ModMin).Number(11, ModMax).Number(12, CreateMin).Number(13, CreateMax);
}

public sealed record PutOf(string Key, string Value = "") : Request
{
    public long Lease;
    public bool Previous, IgnoreValue, IgnoreLease;

    public override Proto Encode() =>
        new Proto().Text(1, Key).Text(2, Value).Number(3, Lease).Flag(4, Previous).Flag(5, IgnoreValue).Flag(6, IgnoreLease);
}

public sealed record DeleteOf(string Key, string End = "") : Request
{
    public bool Previous;

    public override Proto Encode() => new Proto().Text(1, Key).Text(2, End).Flag(3, Previous);
}

public sealed record CompareOf(string Key, int Target, int Result, long Number = 0, string Value = "", string End = "")
{
    /// <summary>The union member that is given; the target's own unless a test wants a mismatch.</summary>
    public int? Member;

    public Proto Encode()
    {
        Proto proto = new Proto().Number(1, Result).Number(2, Target).Text(3, Key);
        int member = Member ?? Target;
        proto = member switch
        {
            0 => proto.Zero(4, Number),
            1 => proto.Zero(5, Number),
            2 => proto.Zero(6, Number),
            3 => proto.Bytes(7, Proto.Key(Value)),
            4 => proto.Zero(8, Number),
            _ => proto,
        };
        return proto.Text(64, End);
    }
}

public sealed record TxnOf(CompareOf[] Compares, Request[] Success, Request[] Failure) : Request
{
    public override Proto Encode()
    {
        var proto = new Proto();
        foreach (CompareOf compare in Compares)
            proto.Message(1, compare.Encode());
        foreach (Request operation in Success)
            proto.Message(2, Operation(operation));
        foreach (Request operation in Failure)
            proto.Message(3, Operation(operation));
        return proto;
    }

    private static Proto Operation(Request request) => new Proto().Message(request switch
    {
        RangeOf => 1,
        PutOf => 2,
        DeleteOf => 3,
        TxnOf => 4,
        _ => throw new ArgumentException("no operation"),
    }, request.Encode());

    public override string ToString() =>
        $"Txn if [{string.Join("; ", Compares.Select(c => c.ToString()))}] then [{string.Join("; ", Success.Select(c => c.ToString()))}] else [{string.Join("; ", Failure.Select(c => c.ToString()))}]";
}

public sealed record CompactTo(long Revision) : Request
{
    public override Proto Encode() => new Proto().Number(1, Revision);
}

public sealed record GrantOf(long Id, long Ttl) : Request
{
    public override Proto Encode() => new Proto().Number(1, Ttl).Number(2, Id);
}

public sealed record RevokeOf(long Id) : Request
{
    public override Proto Encode() => new Proto().Number(1, Id);
}

public sealed record AlarmOf(int Action, ulong Member, int Alarm) : Request
{
    public override Proto Encode() => new Proto().Number(1, Action).Number(2, (long)Member).Number(3, Alarm);
}
