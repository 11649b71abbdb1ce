using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.V3Lockpb;
using Google.Protobuf;
using static Conclave.Conformance.Tests.Suite.Requests;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>Lock: its keys, who waits for whom, and what ends a wait.</summary>
internal sealed class LockCases : CaseGroup
{
    public override string Name => "lock";

    private static LockRequest Lock(Run c, int lease, string name = "lock") => new() { Name = c.Key(name), Lease = lease == 0 ? 0 : c.LeaseId(lease) };

    private static UnlockRequest Unlock(Run c, int lease, string name = "lock") => new() { Key = KeyOf(c, lease, name) };

    private static ByteString KeyOf(Run c, int lease, string name = "lock") => c.Key($"{name}/{c.LeaseId(lease):x}");

    private static RangeRequest All(Run c) => Get(c.Key(""), c.EndOf(""));

    private static Task<Answer> GrantAsync(Run c, int count) => c.PrepareAsync([.. Enumerable.Range(1, count).Select(i => new LeaseGrantRequest { ID = c.LeaseId(i), TTL = 600 })]);

    /// <summary>Starts a lock that has to wait, and waits until its key is there.</summary>
    private static async Task<Run.Pending> WaitingAsync(Run c, int lease, string name = "lock")
    {
        Run.Pending pending = c.Start(Lock(c, lease, name));
        await c.UntilAsync($"key of waiter {lease}", async () => (await c.LookAsync<RangeResponse>(Get(KeyOf(c, lease, name)))).Count == 1, pending);
        return pending;
    }

    private static Task UntilGoneAsync(Run c, int lease) =>
        c.UntilAsync($"end of the key of {lease}", async () => (await c.LookAsync<RangeResponse>(Get(KeyOf(c, lease)))).Count == 0);

    protected override void Define()
    {
        Free();
        Waiting();
        Endings();
        Refusals();
    }

    private void Free()
    {
        Case("a free lock", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(Lock(c, 1));
            await c.CallAsync(All(c));
        });
        Case("lock and unlock", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(Lock(c, 1));
            await c.CallAsync(Unlock(c, 1));
            await c.CallAsync(All(c));
        });
        Case("lock, unlock and lock again", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(Lock(c, 1));
            await c.CallAsync(Unlock(c, 1));
            await c.CallAsync(Lock(c, 1));
            await c.CallAsync(All(c));
        });
        Case("the holder locks again", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(Lock(c, 1));
            await c.CallAsync(Lock(c, 1));
            await c.CallAsync(All(c));
        });
        Case("a lease that the server grants", async c =>
        {
            await c.CallAsync(Lock(c, 0));
            RangeResponse seen = await c.LookAsync<RangeResponse>(All(c));
            LeaseTimeToLiveResponse lease = await c.LookAsync<LeaseTimeToLiveResponse>(new LeaseTimeToLiveRequest { ID = seen.Kvs.Count == 1 ? seen.Kvs[0].Lease : 0, Keys = true });
            c.Note("its lease", $"{lease.GrantedTTL} s, {lease.Keys.Count} key");
            c.Note("its key ends in the lease", seen.Kvs.Count == 1 && seen.Kvs[0].Key.ToStringUtf8().EndsWith($"/{seen.Kvs[0].Lease:x}", StringComparison.Ordinal));
        });
        Case("two names are two locks", async c =>
        {
            await GrantAsync(c, 2);
            await c.CallAsync(Lock(c, 1, "one"));
            await c.CallAsync(Lock(c, 2, "two"));
            await c.CallAsync(All(c));
        });
        Case("one lease holds two locks", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(Lock(c, 1, "one"));
            await c.CallAsync(Lock(c, 1, "two"));
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) });
            await c.CallAsync(All(c));
        });
        Case("a name that begins with another's is another lock", async c =>
        {
            await GrantAsync(c, 2);
            await c.CallAsync(Lock(c, 1, "lock"));
            await c.CallAsync(Lock(c, 2, "lockbox"));
        });
        Case("a name with a slash is below another's", async c =>
        {
            await GrantAsync(c, 2);
            await c.CallAsync(Lock(c, 1, "lock/box"));
            Run.Pending waiting = await WaitingAsync(c, 2);
            await c.CallAsync(Unlock(c, 1, "lock/box"));
            await c.EndAsync(waiting);
        });
        Case("a name of any bytes", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(new LockRequest { Name = c.Key([0xff, 0x00]), Lease = c.LeaseId(1) });
        });
        Case("a negative lease", async c =>
        {
            await c.PrepareAsync(new LeaseGrantRequest { ID = -c.LeaseId(1), TTL = 600 });
            await c.CallAsync(new LockRequest { Name = c.Key("lock"), Lease = -c.LeaseId(1) });
            await c.CallAsync(All(c));
        });
        Case("a put guarded by the lock's key", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(Lock(c, 1));
            await c.CallAsync(If(Created(KeyOf(c, 1), Compare.Types.CompareResult.Equal, c.First + 1)).Then(Put(c.Key("guarded"))));
            await c.CallAsync(Unlock(c, 1));
            await c.CallAsync(If(Created(KeyOf(c, 1), Compare.Types.CompareResult.Equal, c.First + 1)).Then(Put(c.Key("guarded"))));
        });
    }

    private void Waiting()
    {
        Case("the second waits for the first", async c =>
        {
            await GrantAsync(c, 2);
            await c.CallAsync(Lock(c, 1));
            Run.Pending second = await WaitingAsync(c, 2);
            c.Note("it waits", !second.IsOver);
            await c.CallAsync(All(c));
            await c.CallAsync(Unlock(c, 1));
            await c.EndAsync(second);
            await c.CallAsync(All(c));
        });
        Case("three in the order they came", async c =>
        {
            await GrantAsync(c, 3);
            await c.CallAsync(Lock(c, 1));
            Run.Pending second = await WaitingAsync(c, 2), third = await WaitingAsync(c, 3);
            await c.CallAsync(Unlock(c, 1));
            await c.EndAsync(second);
            c.Note("the third waits", !third.IsOver);
            await c.CallAsync(Unlock(c, 2));
            await c.EndAsync(third);
        });
        Case("the holder's lease is revoked", async c =>
        {
            await GrantAsync(c, 2);
            await c.CallAsync(Lock(c, 1));
            Run.Pending second = await WaitingAsync(c, 2);
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) });
            await c.EndAsync(second);
        });
        Case("the holder's key is deleted by hand", async c =>
        {
            await GrantAsync(c, 2);
            await c.CallAsync(Lock(c, 1));
            Run.Pending second = await WaitingAsync(c, 2);
            await c.CallAsync(Delete(KeyOf(c, 1)));
            await c.EndAsync(second);
        });
        Case("a put on the holder's key is no end", async c =>
        {
            await GrantAsync(c, 2);
            await c.CallAsync(Lock(c, 1));
            Run.Pending second = await WaitingAsync(c, 2);
            await c.CallAsync(Put(KeyOf(c, 1), "more", c.LeaseId(1)));
            c.Note("it waits", !second.IsOver);
            await c.CallAsync(Unlock(c, 1));
            await c.EndAsync(second);
        });
        Case("a waiter in the middle goes away", async c =>
        {
            await GrantAsync(c, 3);
            await c.CallAsync(Lock(c, 1));
            Run.Pending second = await WaitingAsync(c, 2), third = await WaitingAsync(c, 3);
            second.GoAway();
            await UntilGoneAsync(c, 2);
            await c.CallAsync(Unlock(c, 1));
            await c.EndAsync(third);
            await c.CallAsync(All(c));
        });
        Case("a waiter in the middle loses its lease", async c =>
        {
            await GrantAsync(c, 3);
            await c.CallAsync(Lock(c, 1));
            Run.Pending second = await WaitingAsync(c, 2), third = await WaitingAsync(c, 3);
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(2) });
            await c.CallAsync(Unlock(c, 1));
            await c.EndAsync(third);
        });
        Case("a client's own recipe and the server's exclude each other", async c =>
        {
            await GrantAsync(c, 2);
            await c.CallAsync(If(Created(KeyOf(c, 1), Compare.Types.CompareResult.Equal, 0)).Then(Put(KeyOf(c, 1), lease: c.LeaseId(1))));
            Run.Pending second = await WaitingAsync(c, 2);
            c.Note("it waits", !second.IsOver);
            await c.CallAsync(Delete(KeyOf(c, 1)));
            await c.EndAsync(second);
        });
        Case("the one who waits locks again on another call", async c =>
        {
            await GrantAsync(c, 2);
            await c.CallAsync(Lock(c, 1));
            Run.Pending second = await WaitingAsync(c, 2), again = c.Start(Lock(c, 2));
            await c.CallAsync(Unlock(c, 1));
            await c.EndAsync(second);
            await c.EndAsync(again);
            await c.CallAsync(All(c));
        });
    }

    private void Endings()
    {
        Case("a waiter's own lease is revoked", async c =>
        {
            await GrantAsync(c, 2);
            await c.CallAsync(Lock(c, 1));
            Run.Pending second = await WaitingAsync(c, 2);
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(2) });
            await c.CallAsync(Unlock(c, 1));
            await c.EndAsync(second);
            await c.CallAsync(All(c));
        });
        Case("a waiter's own key is deleted by hand", async c =>
        {
            await GrantAsync(c, 2);
            await c.CallAsync(Lock(c, 1));
            Run.Pending second = await WaitingAsync(c, 2);
            await c.CallAsync(Delete(KeyOf(c, 2)));
            await c.CallAsync(Unlock(c, 1));
            await c.EndAsync(second);
        });
        Case("a client that goes away leaves no key", async c =>
        {
            await GrantAsync(c, 2);
            await c.CallAsync(Lock(c, 1));
            Run.Pending second = await WaitingAsync(c, 2);
            second.GoAway();
            await UntilGoneAsync(c, 2);
            await c.CallAsync(All(c));
        });
        Case("unlock what is not there", async c =>
        {
            await c.CallAsync(new UnlockRequest { Key = c.Key("lock/1") });
        });
        Case("unlock twice", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(Lock(c, 1));
            await c.CallAsync(Unlock(c, 1));
            await c.CallAsync(Unlock(c, 1));
        });
        Case("unlock deletes any key", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k")));
            await c.CallAsync(new UnlockRequest { Key = c.Key("k") });
            await c.CallAsync(All(c));
        });
    }

    private void Refusals()
    {
        Case("an unknown lease", async c =>
        {
            await c.CallAsync(Lock(c, 9));
            await c.CallAsync(All(c));
        });
        Case("unlock without a key", c => c.CallAsync(new UnlockRequest()));
        Case("no name", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(new LockRequest { Lease = c.LeaseId(1) });
            await c.CallAsync(new UnlockRequest { Key = Text($"/{c.LeaseId(1):x}") });
        });
    }
}
