using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using static Conclave.Conformance.Tests.Suite.Requests;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>KV.Put: versions and revisions, what was there before, what is kept, leases, and refusals that change nothing.</summary>
internal sealed class PutCases : CaseGroup
{
    private const int RequestBytesMax = 1_572_864;

    public override string Name => "put";

    private static RangeRequest All(Run c) => Get(c.Key(""), c.EndOf(""));

    private static Task<Answer> GrantAsync(Run c, int number = 1) => c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(number), TTL = 600 });

    protected override void Define()
    {
        Versions();
        PreviousValues();
        Kept();
        Leases();
        Refusals();
    }

    private void Versions()
    {
        Case("a new key", async c =>
        {
            await c.CallAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("every put takes a revision and a version", async c =>
        {
            for (int i = 0; i < 3; i++)
                await c.CallAsync(Put(c.Key("k"), $"{i}"));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("a put of what is there already takes a revision", async c =>
        {
            await c.CallAsync(Put(c.Key("k"), "same"));
            await c.CallAsync(Put(c.Key("k"), "same"));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("a key that was deleted begins again", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"), Put(c.Key("k"), "2"), Delete(c.Key("k")));
            await c.CallAsync(Put(c.Key("k"), "3"));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("an empty value is a value", async c =>
        {
            await c.CallAsync(Put(c.Key("k")));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("an empty value replaces another", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Put(c.Key("k")));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("other keys do not change", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k")), Put(c.Key("l")));
            await c.CallAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(All(c));
        });
        Case("a large value", async c =>
        {
            await c.CallAsync(new PutRequest { Key = c.Key("k"), Value = ByteString.CopyFrom(new byte[1_000_000]) });
            await c.CallAsync(Get(c.Key("k")).With(r => r.KeysOnly = true));
            await c.CallAsync(Delete(c.Key("k")));
        });
    }

    private void PreviousValues()
    {
        Case("prev_kv of a new key", c => c.CallAsync(Put(c.Key("k"), "1").With(p => p.PrevKv = true)));
        Case("prev_kv of a key that is there", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"), Put(c.Key("k"), "2"));
            await c.CallAsync(Put(c.Key("k"), "3").With(p => p.PrevKv = true));
        });
        Case("prev_kv of a key with an empty value", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k")));
            await c.CallAsync(Put(c.Key("k"), "1").With(p => p.PrevKv = true));
        });
        Case("prev_kv of a key with a lease", async c =>
        {
            await GrantAsync(c);
            await c.PrepareAsync(Put(c.Key("k"), "1", c.LeaseId(1)));
            await c.CallAsync(Put(c.Key("k"), "2").With(p => p.PrevKv = true));
        });
        Case("prev_kv of a deleted key", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"), Delete(c.Key("k")));
            await c.CallAsync(Put(c.Key("k"), "2").With(p => p.PrevKv = true));
        });
    }

    private void Kept()
    {
        Case("ignore_value keeps the value", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "kept"));
            await c.CallAsync(Put(c.Key("k")).With(p => p.IgnoreValue = true));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("ignore_value with a lease attaches it", async c =>
        {
            await GrantAsync(c);
            await c.PrepareAsync(Put(c.Key("k"), "kept"));
            await c.CallAsync(Put(c.Key("k"), lease: c.LeaseId(1)).With(p => p.IgnoreValue = true));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("ignore_value without a lease detaches it", async c =>
        {
            await GrantAsync(c);
            await c.PrepareAsync(Put(c.Key("k"), "kept", c.LeaseId(1)));
            await c.CallAsync(Put(c.Key("k")).With(p => p.IgnoreValue = true));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("ignore_lease keeps the lease", async c =>
        {
            await GrantAsync(c);
            await c.PrepareAsync(Put(c.Key("k"), "1", c.LeaseId(1)));
            await c.CallAsync(Put(c.Key("k"), "2").With(p => p.IgnoreLease = true));
            await c.CallAsync(Get(c.Key("k")));
            await c.CallAsync(new LeaseTimeToLiveRequest { ID = c.LeaseId(1), Keys = true });
        });
        Case("ignore_lease of a key without one", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Put(c.Key("k"), "2").With(p => p.IgnoreLease = true));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("both are kept", async c =>
        {
            await GrantAsync(c);
            await c.PrepareAsync(Put(c.Key("k"), "kept", c.LeaseId(1)));
            await c.CallAsync(Put(c.Key("k")).With(p => (p.IgnoreValue, p.IgnoreLease, p.PrevKv) = (true, true, true)));
            await c.CallAsync(Get(c.Key("k")));
        });
        foreach ((string name, Action<PutRequest> set) in ((string, Action<PutRequest>)[])[("ignore_value", p => p.IgnoreValue = true), ("ignore_lease", p => p.IgnoreLease = true), ("both", p => p.IgnoreValue = p.IgnoreLease = true)])
        {
            Case($"{name} of a missing key", async c =>
            {
                await c.CallAsync(Put(c.Key("k")).With(set));
                await c.CallAsync(Get(c.Key("k")));
            });
            Case($"{name} of a deleted key", async c =>
            {
                await c.PrepareAsync(Put(c.Key("k"), "1"), Delete(c.Key("k")));
                await c.CallAsync(Put(c.Key("k")).With(set));
            });
        }
    }

    private void Leases()
    {
        Case("with a lease", async c =>
        {
            await GrantAsync(c);
            await c.CallAsync(Put(c.Key("k"), "1", c.LeaseId(1)));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("without one afterwards it is detached", async c =>
        {
            await GrantAsync(c);
            await c.PrepareAsync(Put(c.Key("k"), "1", c.LeaseId(1)), Put(c.Key("k"), "2"));
            await c.CallAsync(new LeaseTimeToLiveRequest { ID = c.LeaseId(1), Keys = true });
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) });
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("from one lease to another", async c =>
        {
            await GrantAsync(c);
            await GrantAsync(c, 2);
            await c.PrepareAsync(Put(c.Key("k"), "1", c.LeaseId(1)));
            await c.CallAsync(Put(c.Key("k"), "2", c.LeaseId(2)));
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) });
            await c.CallAsync(Get(c.Key("k")));
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(2) });
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("a lease that does not exist", async c =>
        {
            await c.CallAsync(Put(c.Key("k"), "1", c.LeaseId(9)));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("a lease that does not exist, for a key that is there", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Put(c.Key("k"), "2", c.LeaseId(9)));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("a lease that was revoked", async c =>
        {
            await GrantAsync(c);
            await c.PrepareAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) });
            await c.CallAsync(Put(c.Key("k"), "1", c.LeaseId(1)));
        });
        Case("a negative lease that does not exist", c => c.CallAsync(Put(c.Key("k"), "1", -c.LeaseId(9))));
    }

    private void Refusals()
    {
        Case("no key", c => c.CallAsync(new PutRequest { Value = Text("1") }));
        Case("nothing at all", c => c.CallAsync(new PutRequest()));
        Case("ignore_value with a value", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Put(c.Key("k"), "2").With(p => p.IgnoreValue = true));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("ignore_lease with a lease", async c =>
        {
            await GrantAsync(c);
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Put(c.Key("k"), "2", c.LeaseId(1)).With(p => p.IgnoreLease = true));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("no key comes before ignore_value with a value", c => c.CallAsync(new PutRequest { Value = Text("1"), IgnoreValue = true }));
        Case("ignore_value with a value comes before ignore_lease with a lease", c => c.CallAsync(Put(c.Key("k"), "1", 5).With(p => p.IgnoreValue = p.IgnoreLease = true)));
        Case("ignore_value with a value comes before an unknown lease", c => c.CallAsync(Put(c.Key("k"), "1", 5).With(p => p.IgnoreValue = true)));
        Case("an unknown lease or a missing key, whichever comes first", c => c.CallAsync(Put(c.Key("k"), lease: c.LeaseId(9)).With(p => p.IgnoreValue = true)));
        Case("as large as a request may be", async c =>
        {
            await c.CallAsync(new PutRequest { Key = c.Key("k"), Value = ByteString.CopyFrom(new byte[RequestBytesMax - 100]) });
            await c.CallAsync(Delete(c.Key("k")));
        });
        Case("larger than a request may be", async c =>
        {
            await c.CallAsync(new PutRequest { Key = c.Key("k"), Value = ByteString.CopyFrom(new byte[RequestBytesMax]) });
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("no key comes before too large", c => c.CallAsync(new PutRequest { Value = ByteString.CopyFrom(new byte[RequestBytesMax]) }));
        Case("a refusal takes no revision", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Put(c.Key("k"), "2", c.LeaseId(9)));
            await c.CallAsync(Put(c.Key("l")).With(p => p.IgnoreValue = true));
            await c.CallAsync(Put(c.Key("k"), "3"));
            await c.CallAsync(All(c));
        });
    }
}
