namespace Conclave.Store.Tests;

/// <summary>Requests that collide often: few keys, few leases, revisions near the current one.</summary>
public sealed class RandomRequests(Choices choices, Func<ModelStore> model)
{
    private static readonly string[] Keys = ["a", "aa", "ab", "b", "b\0", "ba", "c", "c\xff", "d", "zz"];

    public string Key() => Keys[choices.Below(Keys.Length)];

    public string End(string key) => choices.Below(6) switch
    {
        0 => "\0",
        1 => key + "\xff",
        2 => key[..^1] + (char)(key[^1] == 0xff ? 0xff : key[^1] + 1),
        3 => Key(),
        _ => "",
    };

    public Request Command() => choices.Below(20) switch
    {
        < 8 => Put(),
        < 11 => Delete(),
        < 15 => Txn(depth: 0),
        15 => new CompactTo(Near()),
        16 => new GrantOf(Lease(), 5 + choices.Below(10)),
        17 => new RevokeOf(Lease()),
        18 => choices.Chance(15) ? new AlarmOf(choices.Below(3), (ulong)choices.Below(3), choices.Below(3)) : Put(),
        _ => new AlarmOf(2, (ulong)choices.Below(3), 1 + choices.Below(2)),
    };

    public PutOf Put()
    {
        var put = new PutOf(Key(), choices.Of("", "x", "y", "long value")) { Previous = choices.Chance(40) };
        if (choices.Chance(30))
            put.Lease = Lease();
        if (choices.Chance(10))
            put = put with { Value = "", IgnoreValue = true };
        if (choices.Chance(10))
            put = put with { Lease = 0, IgnoreLease = true };
        return put;
    }

    public DeleteOf Delete()
    {
        string key = Key();
        return new DeleteOf(key, End(key)) { Previous = choices.Chance(50) };
    }

    public RangeOf Range()
    {
        string key = Key();
        var range = new RangeOf(key, End(key));
        if (choices.Chance(50))
            range.Revision = Near();
        if (choices.Chance(40))
            range.Limit = choices.Below(5);
        if (choices.Chance(40))
            (range.Order, range.Target) = (choices.Below(3), choices.Below(5));
        range.KeysOnly = choices.Chance(20);
        range.CountOnly = choices.Chance(15);
        if (choices.Chance(15))
            (range.ModMin, range.ModMax) = (Near(), Near());
        if (choices.Chance(15))
            (range.CreateMin, range.CreateMax) = (Near(), Near());
        return range;
    }

    public TxnOf Txn(int depth) => new(
        [.. Enumerable.Range(0, choices.Below(3)).Select(_ => Compare())],
        Operations(depth), Operations(depth));

    public CompareOf Compare()
    {
        string key = Key();
        int target = choices.Below(5);
        long number = target switch { 0 => choices.Below(4), 4 => choices.Chance(50) ? Lease() : 0, _ => Near() };
        var compare = new CompareOf(key, target, choices.Below(4), number, choices.Of("", "x", "y"), choices.Chance(25) ? End(key) : "");
        if (choices.Chance(5))
            compare.Member = choices.Below(6);
        return compare;
    }

    private Request[] Operations(int depth) => [.. Enumerable.Range(0, choices.Below(4)).Select(_ => choices.Below(8) switch
    {
        < 3 => Range(),
        < 6 => (Request)Put(),
        6 => Delete(),
        _ => depth < 3 ? Txn(depth + 1) : Delete(),
    })];

    private long Lease() => choices.Of<long>(1, 2, -7);

    private long Near() => Math.Max(0, model().Revision + 2 - choices.Below(choices.Chance(80) ? 8 : 60));
}
