using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using static Conclave.Conformance.Tests.Suite.Requests;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>KV.DeleteRange: which keys, what is told of them, and what it takes.</summary>
internal sealed class DeleteCases : CaseGroup
{
    public override string Name => "delete";

    private static Task<Answer> FourKeysAsync(Run c) => c.PrepareAsync(Put(c.Key("d"), "4"), Do(Put(c.Key("a"), "1"), Put(c.Key("c"), "3")), Put(c.Key("b"), "2"));

    private static RangeRequest All(Run c) => Get(c.Key(""), c.EndOf(""));

    protected override void Define()
    {
        (string Name, Func<Run, DeleteRangeRequest> Request)[] ranges =
        [
            ("one key", c => Delete(c.Key("b"))),
            ("a missing key", c => Delete(c.Key("missing"))),
            ("from one key to another", c => Delete(c.Key("b"), c.Key("d"))),
            ("a prefix", c => Delete(c.Key(""), c.EndOf(""))),
            ("a prefix that nothing has", c => Delete(c.Key("x"), c.EndOf("x"))),
            ("an end that is the key", c => Delete(c.Key("b"), c.Key("b"))),
            ("an end before the key", c => Delete(c.Key("d"), c.Key("a"))),
            ("the key and a zero byte as end", c => Delete(c.Key("b"), c.Key("b\0"))),
        ];
        foreach ((string name, Func<Run, DeleteRangeRequest> request) in ranges)
        {
            Case(name, async c =>
            {
                await FourKeysAsync(c);
                await c.CallAsync(request(c));
                await c.CallAsync(All(c).With(r => r.KeysOnly = true));
            });
            Case($"{name}, with prev_kv", async c =>
            {
                await FourKeysAsync(c);
                await c.CallAsync(request(c).With(d => d.PrevKv = true));
            });
        }
        Case("twice", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(Delete(c.Key("a")));
            await c.CallAsync(Delete(c.Key("a")).With(d => d.PrevKv = true));
            await c.CallAsync(Put(c.Key("a"), "again"));
            await c.CallAsync(Get(c.Key("a")));
        });
        Case("a deletion of nothing takes no revision", async c =>
        {
            await c.CallAsync(Delete(c.Key("missing")));
            await c.CallAsync(Delete(c.Key("x"), c.EndOf("x")));
            await c.CallAsync(Put(c.Key("k")));
        });
        Case("many keys in one revision", async c =>
        {
            await c.PrepareAsync(Do([.. Enumerable.Range(0, 100).Select(i => Put(c.Key($"{i:000}")))]));
            await c.CallAsync(Delete(c.Key("0"), c.Key("05")));
            await c.CallAsync(All(c).With(r => r.CountOnly = true));
            await c.CallAsync(All(c).With(r => (r.CountOnly, r.Revision) = (true, c.First + 1)));
        });
        Case("what was deleted is there at an old revision", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(Delete(c.Key(""), c.EndOf("")));
            await c.CallAsync(All(c).With(r => r.Revision = c.First + 3));
            await c.CallAsync(All(c).With(r => r.Revision = c.First + 4));
        });
        Case("prev_kv tells leases", async c =>
        {
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("k"), "1", c.LeaseId(1)));
            await c.CallAsync(Delete(c.Key("k")).With(d => d.PrevKv = true));
        });
        Case("a deleted key is detached from its lease", async c =>
        {
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("k"), "1", c.LeaseId(1)), Put(c.Key("l"), "1", c.LeaseId(1)));
            await c.CallAsync(Delete(c.Key("k")));
            await c.CallAsync(new LeaseTimeToLiveRequest { ID = c.LeaseId(1), Keys = true });
            await c.PrepareAsync(Put(c.Key("k"), "2"));
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) });
            await c.CallAsync(All(c));
        });
        Case("keys of any bytes", async c =>
        {
            await c.PrepareAsync(new PutRequest { Key = c.Key([0xff]) }, new PutRequest { Key = c.Key([0xff, 0]) }, new PutRequest { Key = c.Key([0]) });
            await c.CallAsync(Delete(c.Key([0xff]), c.EndOf("")).With(d => d.PrevKv = true));
            await c.CallAsync(All(c));
        });
        Case("no key", c => c.CallAsync(new DeleteRangeRequest()));
        Case("no key but an end", c => c.CallAsync(new DeleteRangeRequest { RangeEnd = c.Key("z") }));
        Case("no key and everything", c => c.CallAsync(new DeleteRangeRequest { RangeEnd = Onwards, PrevKv = true }));
        Case("everything from a key on", async c =>
        {
            ByteString last = ByteString.CopyFrom([0xff, .. c.Key("").ToByteArray()]);
            await c.PrepareAsync(new PutRequest { Key = last }, new PutRequest { Key = ByteString.CopyFrom([.. last.ToByteArray(), 0xff, 0xff]) });
            await c.CallAsync(Delete(last, Onwards).With(d => d.PrevKv = true));
        });
        Case("everything", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(Delete(Onwards, Onwards).With(d => d.PrevKv = false));
            await c.CallAsync(Get(Onwards, Onwards).With(r => r.CountOnly = true));
        });
    }
}
