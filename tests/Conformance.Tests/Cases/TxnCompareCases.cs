using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;
using static Conclave.Conformance.Tests.Suite.Requests;
using static Conclave.Wire.Etcd.Etcdserverpb.Compare.Types;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>The compares of KV.Txn: every target with every result, on keys that are there and that are not, on ranges, and with a right side that does not fit.</summary>
internal sealed class TxnCompareCases : CaseGroup
{
    public override string Name => "txn-compare";

    /// <summary>The key x: created at +1, changed at +2, version 2, value m, lease 1.</summary>
    private static Task<Answer> OneKeyAsync(Run c) => c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("x"), "l"), Put(c.Key("x"), "m", c.LeaseId(1)));

    /// <summary>What a compare is made with that meets x, what is below it and what is above.</summary>
    private static readonly (CompareTarget Target, Func<Run, string, CompareResult, int, Compare> Make)[] Targets =
    [
        (CompareTarget.Version, (c, key, result, off) => Version(c.Key(key), result, 2 + off)),
        (CompareTarget.Create, (c, key, result, off) => Created(c.Key(key), result, c.First + 1 + off)),
        (CompareTarget.Mod, (c, key, result, off) => Modified(c.Key(key), result, c.First + 2 + off)),
        (CompareTarget.Value, (c, key, result, off) => Value(c.Key(key), result, $"{(char)('m' + off)}")),
        (CompareTarget.Lease, (c, key, result, off) => Leased(c.Key(key), result, c.LeaseId(1) + off)),
    ];

    protected override void Define()
    {
        foreach ((CompareTarget target, Func<Run, string, CompareResult, int, Compare> make) in Targets)
        {
            foreach (CompareResult result in Enum.GetValues<CompareResult>())
                Results(target, result, make);
            Ranges(target, make);
        }
        RightSides();
        Several();
        BadInput();
    }

    private void Results(CompareTarget target, CompareResult result, Func<Run, string, CompareResult, int, Compare> make)
    {
        Case($"{target} {result}", async c =>
        {
            await OneKeyAsync(c);
            foreach (int off in (int[])[-1, 0, 1])
                await c.CallAsync(If(make(c, "x", result, off)), $"Txn with {off:+0;-0;0}");
        });
        Case($"{target} {result}, missing key", async c =>
        {
            await c.CallAsync(If(make(c, "missing", result, 0)));
            await c.CallAsync(If(new Compare { Key = c.Key("missing"), Target = target, Result = result }), "Txn with nothing");
        });
        Case($"{target} {result}, no right side", async c =>
        {
            await OneKeyAsync(c);
            await c.CallAsync(If(new Compare { Key = c.Key("x"), Target = target, Result = result }));
        });
        Case($"{target} {result}, deleted key", async c =>
        {
            await OneKeyAsync(c);
            await c.PrepareAsync(Delete(c.Key("x")));
            await c.CallAsync(If(make(c, "x", result, 0)));
        });
    }

    private void Ranges(CompareTarget target, Func<Run, string, CompareResult, int, Compare> make)
    {
        Case($"{target} of a range", async c =>
        {
            await OneKeyAsync(c);
            await c.PrepareAsync(Put(c.Key("y"), "m"), Put(c.Key("z"), "n"));
            foreach (CompareResult result in Enum.GetValues<CompareResult>())
            {
                foreach (int off in (int[])[-3, 0, 9])
                    await c.CallAsync(If(make(c, "", result, off).With(compare => compare.RangeEnd = c.EndOf(""))), $"Txn {result} {off:+0;-0;0}");
            }
        });
        Case($"{target} of an empty range", async c =>
        {
            foreach (CompareResult result in Enum.GetValues<CompareResult>())
            {
                await c.CallAsync(If(make(c, "", result, 0).With(compare => compare.RangeEnd = c.EndOf(""))), $"Txn {result}");
                await c.CallAsync(If(new Compare { Key = c.Key(""), RangeEnd = c.EndOf(""), Target = target, Result = result }), $"Txn {result} nothing");
            }
        });
    }

    private void RightSides()
    {
        Case("the right side of another target counts as nothing", async c =>
        {
            await OneKeyAsync(c);
            foreach (CompareTarget target in Enum.GetValues<CompareTarget>())
            {
                await c.CallAsync(If(Value(c.Key("x"), CompareResult.Equal, "m").With(compare => compare.Target = target)), $"Txn {target} beside a value");
                await c.CallAsync(If(Version(c.Key("x"), CompareResult.Greater, 9).With(compare => compare.Target = target)), $"Txn {target} beside a version");
            }
        });
        Case("defaults are EQUAL and VERSION", async c =>
        {
            await OneKeyAsync(c);
            await c.CallAsync(If(new Compare { Key = c.Key("x"), Version = 2 }));
            await c.CallAsync(If(new Compare { Key = c.Key("x"), Version = 1 }));
        });
        Case("values compare as unsigned bytes", async c =>
        {
            await c.PrepareAsync(new PutRequest { Key = c.Key("x"), Value = Google.Protobuf.ByteString.CopyFrom(0x80) });
            await c.CallAsync(If(Value(c.Key("x"), CompareResult.Greater, "\x7f")));
        });
        Case("a value that is the beginning of another is less", async c =>
        {
            await c.PrepareAsync(Put(c.Key("x"), "ab"));
            await c.CallAsync(If(Value(c.Key("x"), CompareResult.Less, "abc")));
            await c.CallAsync(If(Value(c.Key("x"), CompareResult.Greater, "a")));
        });
        Case("an empty value", async c =>
        {
            await c.PrepareAsync(Put(c.Key("x")));
            foreach (CompareResult result in Enum.GetValues<CompareResult>())
                await c.CallAsync(If(Value(c.Key("x"), result, "")), $"Txn {result}");
        });
        Case("negative right sides", async c =>
        {
            await OneKeyAsync(c);
            await c.CallAsync(If(Version(c.Key("x"), CompareResult.Greater, -1)));
            await c.CallAsync(If(Created(c.Key("missing"), CompareResult.Greater, long.MinValue)));
            await c.CallAsync(If(Modified(c.Key("x"), CompareResult.Less, long.MaxValue)));
        });
        Case("a key without a lease", async c =>
        {
            await c.PrepareAsync(Put(c.Key("x")));
            await c.CallAsync(If(Leased(c.Key("x"), CompareResult.Equal, 0)));
            await c.CallAsync(If(Leased(c.Key("x"), CompareResult.NotEqual, 0)));
        });
        Case("a result that does not exist", async c =>
        {
            await OneKeyAsync(c);
            await c.CallAsync(If(Version(c.Key("x"), (CompareResult)9, 2)));
        });
        Case("a target that does not exist", async c =>
        {
            await OneKeyAsync(c);
            await c.CallAsync(If(Version(c.Key("x"), CompareResult.Equal, 2).With(compare => compare.Target = (CompareTarget)9)));
            await c.CallAsync(If(Version(c.Key("x"), CompareResult.NotEqual, 2).With(compare => compare.Target = (CompareTarget)9)));
        });
    }

    private void Several()
    {
        Case("none is success", async c => await c.CallAsync(If().Then(Get(c.Key("x"))).Else(Get(c.Key("y")), Get(c.Key("y")))));
        Case("all must hold", async c =>
        {
            await OneKeyAsync(c);
            await c.CallAsync(If(Version(c.Key("x"), CompareResult.Equal, 2), Value(c.Key("x"), CompareResult.Equal, "m")).Then(Get(c.Key("x"))));
            await c.CallAsync(If(Version(c.Key("x"), CompareResult.Equal, 2), Value(c.Key("x"), CompareResult.Equal, "n")).Else(Get(c.Key("x"))));
            await c.CallAsync(If(Version(c.Key("x"), CompareResult.Equal, 1), Value(c.Key("x"), CompareResult.Equal, "m")).Else(Get(c.Key("x"))));
        });
        Case("a contradiction", async c =>
        {
            await OneKeyAsync(c);
            await c.CallAsync(If(Version(c.Key("x"), CompareResult.Equal, 2), Version(c.Key("x"), CompareResult.NotEqual, 2)));
        });
        Case("128 compares", c => c.CallAsync(If([.. Enumerable.Range(0, 128).Select(_ => Version(c.Key("x"), CompareResult.Equal, 0))])));
        Case("129 compares", c => c.CallAsync(If([.. Enumerable.Range(0, 129).Select(_ => Version(c.Key("x"), CompareResult.Equal, 0))])));
        Case("compares see the state before the transaction", async c =>
        {
            await c.CallAsync(If(Version(c.Key("k"), CompareResult.Equal, 0)).Then(Put(c.Key("k"))));
            await c.CallAsync(If(Version(c.Key("k"), CompareResult.Equal, 0)).Then(Put(c.Key("k"))).Else(Get(c.Key("k"))));
        });
        Case("a range with an end that is the key holds for nothing", async c =>
        {
            await OneKeyAsync(c);
            await c.CallAsync(If(Version(c.Key("x"), CompareResult.Equal, 2).With(compare => compare.RangeEnd = c.Key("x"))));
            await c.CallAsync(If(Version(c.Key("x"), CompareResult.Equal, 0).With(compare => compare.RangeEnd = c.Key("x"))));
        });
        Case("a range onwards", async c =>
        {
            await c.PrepareAsync(new PutRequest { Key = Google.Protobuf.ByteString.CopyFrom(0xff, 0xff) });
            await c.CallAsync(If(Version(Google.Protobuf.ByteString.CopyFrom(0xff), CompareResult.Greater, 0).With(compare => compare.RangeEnd = Onwards)));
            await c.CallAsync(If(Version(Google.Protobuf.ByteString.CopyFrom(0xff), CompareResult.Greater, 900).With(compare => compare.RangeEnd = Onwards)));
        });
    }

    private void BadInput()
    {
        Case("no key", c => c.CallAsync(If(new Compare { Version = 1 })));
        Case("no key in the second", c => c.CallAsync(If(Version(c.Key("x"), CompareResult.Equal, 0), new Compare())));
        Case("no key but an end", c => c.CallAsync(If(new Compare { RangeEnd = c.Key("z") })));
        Case("no key in a nested transaction", c => c.CallAsync(Do(If(new Compare()))));
    }
}
