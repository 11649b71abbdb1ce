using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using static Conclave.Conformance.Tests.Suite.Requests;
using static Conclave.Wire.Etcd.Etcdserverpb.Compare.Types;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>The operations of KV.Txn: order, answers, revisions, nesting, and everything that is refused as a whole.</summary>
internal sealed class TxnCases : CaseGroup
{
    public override string Name => "txn";

    private static RangeRequest All(Run c) => Get(c.Key(""), c.EndOf(""));

    private static TxnRequest Empty => new();

    private static Compare Never(Run c) => Version(c.Key("never"), CompareResult.Greater, 0);

    protected override void Define()
    {
        Operations();
        Revisions();
        Nesting();
        Duplicates();
        Counts();
        Refusals();
    }

    private void Operations()
    {
        Case("empty", c => c.CallAsync(Empty));
        Case("a put", async c =>
        {
            await c.CallAsync(Do(Put(c.Key("k"), "1")));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("a put with prev_kv", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Do(Put(c.Key("k"), "2").With(p => p.PrevKv = true)));
        });
        Case("a put that keeps the value", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "kept"));
            await c.CallAsync(Do(Put(c.Key("k")).With(p => p.IgnoreValue = true)));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("a put with a lease", async c =>
        {
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 });
            await c.CallAsync(Do(Put(c.Key("k"), "1", c.LeaseId(1))));
            await c.CallAsync(new LeaseTimeToLiveRequest { ID = c.LeaseId(1), Keys = true });
        });
        Case("a deletion", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Do(Delete(c.Key("k"))));
            await c.CallAsync(All(c));
        });
        Case("a deletion with prev_kv", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"), Put(c.Key("l"), "2"));
            await c.CallAsync(Do(Delete(c.Key(""), c.EndOf("")).With(d => d.PrevKv = true)));
        });
        Case("a range with every option", async c =>
        {
            await c.PrepareAsync(Put(c.Key("a"), "1"), Put(c.Key("b"), "2"), Put(c.Key("c"), "3"));
            await c.CallAsync(Do(All(c).With(r => (r.Limit, r.SortOrder) = (2, RangeRequest.Types.SortOrder.Descend)), All(c).With(r => r.CountOnly = true), All(c).With(r => r.KeysOnly = true),
                All(c).With(r => r.MinModRevision = c.First + 2), All(c).With(r => r.Revision = c.First + 1)));
        });
        Case("each operation sees those before it", async c =>
        {
            await c.CallAsync(Do(Get(c.Key("k")), Put(c.Key("k"), "1"), Get(c.Key("k")), Delete(c.Key("other"), c.Key("z")), Get(c.Key("k"))));
        });
        Case("a read after a deletion", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Do(Get(c.Key("k")), Delete(c.Key("k")), Get(c.Key("k")), All(c).With(r => r.CountOnly = true)));
        });
        Case("a deletion then a put in its range", async c =>
        {
            await c.PrepareAsync(Put(c.Key("a"), "1"));
            await c.CallAsync(Do(Delete(c.Key("a")), Put(c.Key("b"), "1")));
            await c.CallAsync(All(c));
        });
        Case("the branch for failure", async c =>
        {
            await c.CallAsync(If(Never(c)).Then(Put(c.Key("then"))).Else(Put(c.Key("else")), Get(c.Key("else"))));
            await c.CallAsync(All(c));
        });
        Case("a branch without operations", c => c.CallAsync(If(Never(c)).Then(Put(c.Key("then")))));
        Case("two deletions that overlap", async c =>
        {
            await c.PrepareAsync(Put(c.Key("a")), Put(c.Key("b")));
            await c.CallAsync(Do(Delete(c.Key("a")), Delete(c.Key(""), c.EndOf(""))));
        });
        Case("serializable reads", c => c.CallAsync(Do(All(c).With(r => r.Serializable = true), Get(c.Key("k")).With(r => r.Serializable = true))));
    }

    private void Revisions()
    {
        Case("all writes are one revision", async c =>
        {
            await c.CallAsync(Do(Put(c.Key("a")), Put(c.Key("b")), Put(c.Key("c"))));
            await c.CallAsync(All(c));
        });
        Case("the header of a read inside is of the state it saw", async c =>
        {
            await c.CallAsync(Do(Get(c.Key("k")), Put(c.Key("a")), Get(c.Key("k")), Delete(c.Key("missing")), Put(c.Key("b"))));
        });
        Case("reads take no revision", async c =>
        {
            await c.CallAsync(Do(All(c), Get(c.Key("k"))));
            await c.CallAsync(Put(c.Key("k")));
        });
        Case("a deletion of nothing takes no revision", async c =>
        {
            await c.CallAsync(Do(Delete(c.Key("missing")), Get(c.Key("k"))));
            await c.CallAsync(Put(c.Key("k")));
        });
        Case("a put in the branch not taken takes no revision", async c =>
        {
            await c.CallAsync(If(Never(c)).Then(Put(c.Key("k"))).Else(Get(c.Key("k"))));
            await c.CallAsync(Put(c.Key("k")));
        });
        Case("a deletion and a put of other keys are one revision", async c =>
        {
            await c.PrepareAsync(Put(c.Key("a")));
            await c.CallAsync(Do(Delete(c.Key("a")), Put(c.Key("b"))));
            await c.CallAsync(Get(c.Key("b")));
        });
        Case("an old revision read between writes", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "old"), Put(c.Key("k"), "new"));
            await c.CallAsync(Do(Put(c.Key("l")), Get(c.Key("k")).With(r => r.Revision = c.First + 1)));
        });
        Case("its own revision read after a write", c => c.CallAsync(Do(Put(c.Key("k"), "1"), Get(c.Key("k")).With(r => r.Revision = c.First + 1))));
        Case("its own revision read before a write", c => c.CallAsync(Do(Get(c.Key("k")).With(r => r.Revision = c.First + 1), Put(c.Key("k"), "1"))));
    }

    private void Nesting()
    {
        Case("a nested transaction", async c =>
        {
            await c.CallAsync(Do(Do(Put(c.Key("k"), "1"))));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("an empty nested transaction", c => c.CallAsync(Do(Empty)));
        Case("three deep", c => c.CallAsync(Do(Do(Do(Put(c.Key("k"), "1"), Get(c.Key("k"))), Get(c.Key("k"))), Get(c.Key("k")))));
        Case("a nested transaction that fails its compare", c => c.CallAsync(Do(If(Never(c)).Then(Put(c.Key("then"))).Else(Get(c.Key("then"))))));
        Case("nested compares see the state before the outer one", async c =>
        {
            await c.CallAsync(Do(Put(c.Key("k"), "1"), If(Created(c.Key("k"), CompareResult.Equal, 0)).Then(Put(c.Key("was missing"))).Else(Put(c.Key("was there")))));
            await c.CallAsync(All(c).With(r => r.KeysOnly = true));
        });
        Case("nested reads see what the outer one wrote", c => c.CallAsync(Do(Put(c.Key("k"), "1"), Do(Get(c.Key("k"))), Get(c.Key("k")))));
        Case("the outer one sees what a nested one wrote", c => c.CallAsync(Do(Do(Put(c.Key("k"), "1")), Get(c.Key("k")))));
        Case("nested in the branch for failure", c => c.CallAsync(If(Never(c)).Else(Do(Put(c.Key("k"), "1")), Get(c.Key("k")))));
        Case("nested writes share the revision", async c =>
        {
            await c.CallAsync(Do(Put(c.Key("a")), Do(Put(c.Key("b")), Do(Put(c.Key("c"))))));
            await c.CallAsync(All(c));
        });
        Case("nested reads alone take no revision", async c =>
        {
            await c.CallAsync(Do(Do(Get(c.Key("k")))));
            await c.CallAsync(Put(c.Key("k")));
        });
        Case("a nested put in the branch not taken", async c =>
        {
            await c.CallAsync(Do(If(Never(c)).Then(Put(c.Key("k"))).Else(Get(c.Key("k")))));
            await c.CallAsync(Put(c.Key("k")));
        });
        Case("two nested side by side", c => c.CallAsync(Do(Do(Put(c.Key("a"), "1")), Do(Get(c.Key("a"))))));
    }

    private void Duplicates()
    {
        (string Name, Func<Run, TxnRequest> Request)[] transactions =
        [
            ("two puts of one key", c => Do(Put(c.Key("k")), Put(c.Key("k")))),
            ("two puts in the branch not taken", c => Do(Get(c.Key("k"))).Else(Put(c.Key("k")), Put(c.Key("k")))),
            ("a put in each branch", c => Do(Put(c.Key("k"))).Else(Put(c.Key("k")))),
            ("a put and its deletion", c => Do(Put(c.Key("k")), Delete(c.Key("k")))),
            ("a deletion and its put", c => Do(Delete(c.Key("k")), Put(c.Key("k")))),
            ("a put inside a deleted range", c => Do(Delete(c.Key("a"), c.Key("z")), Put(c.Key("k")))),
            ("a put at the end of a deleted range", c => Do(Delete(c.Key("a"), c.Key("k")), Put(c.Key("k")))),
            ("a put at the beginning of a deleted range", c => Do(Delete(c.Key("k"), c.Key("z")), Put(c.Key("k")))),
            ("a put before a range deleted onwards", c => Do(Put(c.Key("a")), Delete(ByteString.CopyFrom(0xff), Onwards))),
            ("a put after the beginning of a range deleted onwards", c => Do(Put(ByteString.CopyFrom(0xff, 0xff)), Delete(ByteString.CopyFrom(0xff), Onwards))),
            ("a put and a deletion of an empty range around it", c => Do(Put(c.Key("k")), Delete(c.Key("z"), c.Key("a")))),
            ("two deletions of one key", c => Do(Delete(c.Key("k")), Delete(c.Key("k")))),
            ("a put and reads of it", c => Do(Get(c.Key("k")), Put(c.Key("k")), Get(c.Key("k")))),
            ("a put outside and inside", c => Do(Put(c.Key("k")), Do(Put(c.Key("k"))))),
            ("a put inside and outside", c => Do(Do(Put(c.Key("k"))), Put(c.Key("k")))),
            ("a put in two nested transactions", c => Do(Do(Put(c.Key("k"))), Do(Put(c.Key("k"))))),
            ("a put in both branches of a nested one", c => Do(If(Never(c)).Then(Put(c.Key("k"))).Else(Put(c.Key("k"))))),
            ("a put outside and a deletion inside", c => Do(Put(c.Key("k")), Do(Delete(c.Key("k"))))),
            ("a deletion outside and a put inside", c => Do(Delete(c.Key("a"), c.Key("z")), Do(Put(c.Key("k"))))),
            ("a put and a deletion in the two branches of a nested one", c => Do(If(Never(c)).Then(Put(c.Key("k"))).Else(Delete(c.Key("k"))))),
            ("a put in a nested branch not taken and outside", c => Do(If(Never(c)).Then(Put(c.Key("k"))), Put(c.Key("k")))),
        ];
        foreach ((string name, Func<Run, TxnRequest> request) in transactions)
        {
            Case($"duplicates: {name}", async c =>
            {
                await c.CallAsync(request(c));
                await c.CallAsync(All(c));
            });
        }
    }

    private void Counts()
    {
        static IMessage[] Reads(Run c, int count) => [.. Enumerable.Range(0, count).Select(_ => Get(c.Key("k")).With(r => r.CountOnly = true))];

        Case("128 operations", async c =>
        {
            await c.CallAsync(Do([.. Enumerable.Range(0, 128).Select(i => Put(c.Key($"{i:000}")))]));
            await c.CallAsync(All(c).With(r => r.CountOnly = true));
        });
        Case("129 operations", async c =>
        {
            await c.CallAsync(Do([.. Enumerable.Range(0, 129).Select(i => Put(c.Key($"{i:000}")))]));
            await c.CallAsync(All(c).With(r => r.CountOnly = true));
        });
        Case("129 operations in the branch not taken", c => c.CallAsync(If().Else(Reads(c, 129))));
        Case("128 operations in each branch", c => c.CallAsync(If().Then(Reads(c, 128)).Else(Reads(c, 128))));
        Case("nested operations count: 1 + 127", c => c.CallAsync(Do(Do(Reads(c, 127)))));
        Case("nested operations count: 1 + 128", c => c.CallAsync(Do(Do(Reads(c, 128)))));
        Case("nested operations count: 100 + 28", c => c.CallAsync(Do([.. Reads(c, 99), Do(Reads(c, 28))])));
        Case("nested operations count: 100 + 29", c => c.CallAsync(Do([.. Reads(c, 99), Do(Reads(c, 29))])));
        Case("nested operations count: two of 64", c => c.CallAsync(Do(Do(Reads(c, 64)), Do(Reads(c, 64)))));
        Case("too many comes before no key", c => c.CallAsync(Do([.. Enumerable.Range(0, 129).Select(_ => new RangeRequest())])));
        Case("no key comes before duplicates", c => c.CallAsync(Do(Put(c.Key("k")), Put(c.Key("k")), new PutRequest())));
    }

    private void Refusals()
    {
        (string Name, Func<Run, TxnRequest> Request)[] transactions =
        [
            ("an operation without content", _ => new TxnRequest { Success = { new RequestOp() } }),
            ("an operation without content in the branch not taken", _ => new TxnRequest { Failure = { new RequestOp() } }),
            ("an operation without content, nested", _ => Do(new TxnRequest { Success = { new RequestOp() } })),
            ("a put without key", _ => Do(new PutRequest())),
            ("a range without key", _ => Do(new RangeRequest())),
            ("a deletion without key", _ => Do(new DeleteRangeRequest())),
            ("a put without key in the branch not taken", _ => If().Else(new PutRequest())),
            ("a put without key, nested", _ => Do(Do(new PutRequest()))),
            ("ignore_value with a value", c => Do(Put(c.Key("u")), Put(c.Key("k"), "1").With(p => p.IgnoreValue = true))),
            ("ignore_lease with a lease", c => Do(Put(c.Key("u")), Put(c.Key("k"), lease: 4).With(p => p.IgnoreLease = true))),
            ("ignore_value with a value in the branch not taken", c => If().Else(Put(c.Key("k"), "1").With(p => p.IgnoreValue = true))),
            ("an unknown lease", c => Do(Put(c.Key("u")), Put(c.Key("k"), lease: c.LeaseId(9)))),
            ("an unknown lease in the branch not taken", c => Do(Put(c.Key("done"))).Else(Put(c.Key("k"), lease: c.LeaseId(9)))),
            ("an unknown lease, nested", c => Do(Put(c.Key("u")), Do(Put(c.Key("k"), lease: c.LeaseId(9))))),
            ("an unknown lease in a nested branch not taken", c => Do(Put(c.Key("done")), If(Never(c)).Then(Put(c.Key("k"), lease: c.LeaseId(9))))),
            ("ignore_value of a missing key", c => Do(Put(c.Key("u")), Put(c.Key("k")).With(p => p.IgnoreValue = true))),
            ("ignore_lease of a missing key", c => Do(Put(c.Key("u")), Put(c.Key("k")).With(p => p.IgnoreLease = true))),
            ("ignore_value of a missing key in the branch not taken", c => Do(Put(c.Key("done"))).Else(Put(c.Key("k")).With(p => p.IgnoreValue = true))),
            ("a future revision", c => Do(Put(c.Key("u")), Get(c.Key("k")).With(r => r.Revision = c.First + 50))),
            ("a future revision alone", c => Do(Get(c.Key("k")).With(r => r.Revision = c.First + 50))),
            ("a future revision in the branch not taken", c => Do(Put(c.Key("done"))).Else(Get(c.Key("k")).With(r => r.Revision = c.First + 50))),
            ("a future revision, nested", c => Do(Put(c.Key("u")), Do(Get(c.Key("k")).With(r => r.Revision = c.First + 50)))),
            ("too large", c => Do(new PutRequest { Key = c.Key("k"), Value = ByteString.CopyFrom(new byte[1_572_864]) })),
            ("a sort order that does not exist", c => Do(Get(c.Key("k")).With(r => r.SortOrder = (RangeRequest.Types.SortOrder)9))),
        ];
        foreach ((string name, Func<Run, TxnRequest> request) in transactions)
        {
            Case($"refusals: {name}", async c =>
            {
                await c.CallAsync(request(c));
                await c.CallAsync(All(c).With(r => r.KeysOnly = true));
                await c.CallAsync(Put(c.Key("next")));
            });
        }
    }
}
