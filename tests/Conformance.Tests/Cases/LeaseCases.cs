using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;
using static Conclave.Conformance.Tests.Suite.Requests;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>Lease: ids, times to live, what is attached, and what happens at the end. The store is this group's alone, so its list of leases is.</summary>
internal sealed class LeaseCases : CaseGroup
{
    private static readonly Rpc KeepAlive = Rpc.Named("LeaseKeepAlive");

    public override string Name => "lease";

    private static LeaseGrantRequest Grant(long id, long ttl = 600) => new() { ID = id, TTL = ttl };

    private static LeaseRevokeRequest Revoke(long id) => new() { ID = id };

    private static LeaseTimeToLiveRequest Left(long id, bool keys = false) => new() { ID = id, Keys = keys };

    private static LeaseKeepAliveRequest Renew(long id) => new() { ID = id };

    private static RangeRequest All(Run c) => Get(c.Key(""), c.EndOf(""));

    protected override void Define()
    {
        Grants();
        Revocations();
        Renewals();
        TimesToLive();
        Attachments();
        Lists();
        Ends();
    }

    private void Grants()
    {
        Case("the server chooses an id", async c =>
        {
            Answer answer = await c.CallAsync(new LeaseGrantRequest { TTL = 600 });
            await c.PrepareAsync(Revoke(answer.As<LeaseGrantResponse>().ID));
        });
        Case("two that the server chooses differ", async c =>
        {
            long one = (await c.PrepareAsync(Grant(0))).As<LeaseGrantResponse>().ID, other = (await c.PrepareAsync(Grant(0))).As<LeaseGrantResponse>().ID;
            c.Note("they differ and are positive", one != other && one > 0 && other > 0);
            await c.PrepareAsync(Revoke(one), Revoke(other));
        });
        foreach (long ttl in (long[])[1, 2, 3, 0, -1, long.MinValue, 9_000_000_000, 9_000_000_001, long.MaxValue])
        {
            Case($"TTL {ttl}", async c =>
            {
                Answer granted = await c.CallAsync(Grant(c.LeaseId(1), ttl));
                if (granted.Succeeded)
                    await c.CallAsync(Revoke(c.LeaseId(1)));
            });
        }
        (string Name, Func<Run, long> Id)[] ids =
        [
            ("a chosen id", c => c.LeaseId(1)), ("a negative id", c => -c.LeaseId(1)), ("an id above 2^53", c => 9_007_199_254_740_993 + c.LeaseId(1)), ("the largest id", _ => long.MaxValue), ("the smallest id", _ => long.MinValue),
        ];
        foreach ((string name, Func<Run, long> id) in ids)
        {
            Case(name, async c =>
            {
                await c.CallAsync(Grant(id(c)));
                await c.CallAsync(Put(c.Key("k"), "1", id(c)));
                await c.CallAsync(Left(id(c), keys: true));
                await c.CallAsync(Revoke(id(c)));
            });
        }
        Case("an id that is taken", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)));
            await c.CallAsync(Grant(c.LeaseId(1)));
            await c.CallAsync(Grant(c.LeaseId(1), 1200));
            await c.CallAsync(Left(c.LeaseId(1)));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("an id that was revoked can be taken again", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Put(c.Key("k"), "1", c.LeaseId(1)), Revoke(c.LeaseId(1)));
            await c.CallAsync(Grant(c.LeaseId(1), 700));
            await c.CallAsync(Left(c.LeaseId(1), keys: true));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("a too large TTL comes before a taken id", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)));
            await c.CallAsync(Grant(c.LeaseId(1), 9_000_000_001));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("granting takes no revision", async c =>
        {
            await c.CallAsync(Grant(c.LeaseId(1)));
            await c.CallAsync(Put(c.Key("k")));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
    }

    private void Revocations()
    {
        Case("revoke without keys takes no revision", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)));
            await c.CallAsync(Revoke(c.LeaseId(1)));
            await c.CallAsync(Put(c.Key("k")));
        });
        Case("revoke deletes the keys in one revision", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Put(c.Key("b"), "1", c.LeaseId(1)), Put(c.Key("a"), "1", c.LeaseId(1)), Put(c.Key("other")));
            await c.CallAsync(Revoke(c.LeaseId(1)));
            await c.CallAsync(All(c));
            await c.CallAsync(All(c).With(r => r.Revision = c.First + 3));
        });
        Case("revoke an id that is not there", c => c.CallAsync(Revoke(c.LeaseId(9))));
        Case("revoke the id 0", c => c.CallAsync(Revoke(0)));
        Case("revoke a negative id that is not there", c => c.CallAsync(Revoke(-c.LeaseId(9))));
        Case("revoke twice", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Revoke(c.LeaseId(1)));
            await c.CallAsync(Revoke(c.LeaseId(1)));
        });
        Case("a key that was put again with another lease stays", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Grant(c.LeaseId(2)), Put(c.Key("k"), "1", c.LeaseId(1)), Put(c.Key("k"), "2", c.LeaseId(2)));
            await c.CallAsync(Revoke(c.LeaseId(1)));
            await c.CallAsync(All(c));
            await c.PrepareAsync(Revoke(c.LeaseId(2)));
        });
        Case("a key that was deleted and put again without a lease stays", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Put(c.Key("k"), "1", c.LeaseId(1)), Delete(c.Key("k")), Put(c.Key("k"), "2"));
            await c.CallAsync(Revoke(c.LeaseId(1)));
            await c.CallAsync(All(c));
        });
    }

    private void Renewals()
    {
        Case("keepalive", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)));
            Run.Conversation stream = c.Open(KeepAlive, Renew(c.LeaseId(1)));
            await stream.TakeAsync(1);
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("keepalive of an id that is not there", async c => await c.Open(KeepAlive, Renew(c.LeaseId(9))).TakeAsync(1));
        Case("keepalive of the id 0", async c => await c.Open(KeepAlive, Renew(0)).TakeAsync(1));
        Case("keepalive of several, in order", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Grant(c.LeaseId(2), 700));
            Run.Conversation stream = c.Open(KeepAlive, Renew(c.LeaseId(2)), Renew(c.LeaseId(9)), Renew(c.LeaseId(1)), Renew(c.LeaseId(2)));
            await stream.TakeAsync(4);
            await c.PrepareAsync(Revoke(c.LeaseId(1)), Revoke(c.LeaseId(2)));
        });
        Case("keepalive of a revoked one", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Revoke(c.LeaseId(1)));
            await c.Open(KeepAlive, Renew(c.LeaseId(1))).TakeAsync(1);
        });
        Case("the end of the requests ends the stream", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)));
            Run.Conversation stream = c.Open(KeepAlive, Renew(c.LeaseId(1)));
            await stream.TakeAsync(1);
            await stream.EndRequestsAsync();
            await stream.TakeAsync(1, "end");
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("a stream without requests", async c =>
        {
            Run.Conversation stream = c.Open(KeepAlive);
            await stream.EndRequestsAsync();
            await stream.TakeAsync(1, "end");
        });
        Case("a stream goes on after an unknown id", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)));
            Run.Conversation stream = c.Open(KeepAlive, Renew(c.LeaseId(9)));
            await stream.TakeAsync(1);
            await stream.SendAsync(Renew(c.LeaseId(1)));
            await stream.TakeAsync(1);
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        }, Over.Grpc);
        Case("keepalive takes no revision", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)));
            await c.Open(KeepAlive, Renew(c.LeaseId(1))).TakeAsync(1);
            await c.CallAsync(Put(c.Key("k")));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("keepalive with hasleader", async c =>
        {
            c.Metadata["hasleader"] = "true";
            await c.PrepareAsync(Grant(c.LeaseId(1)));
            await c.Open(KeepAlive, Renew(c.LeaseId(1))).TakeAsync(1);
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
    }

    private void TimesToLive()
    {
        Case("time to live", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)));
            await c.CallAsync(Left(c.LeaseId(1)));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("time to live with keys, when there are none", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)));
            await c.CallAsync(Left(c.LeaseId(1), keys: true));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("time to live with one key", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Put(c.Key("k"), "1", c.LeaseId(1)));
            await c.CallAsync(Left(c.LeaseId(1), keys: true));
            await c.CallAsync(Left(c.LeaseId(1)));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("time to live with several keys", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Put(c.Key("b"), "1", c.LeaseId(1)), Put(c.Key("a"), "1", c.LeaseId(1)), Put(c.Key("c"), "1", c.LeaseId(1)));
            // Their order is nobody's promise.
            var left = await c.LookAsync<LeaseTimeToLiveResponse>(Left(c.LeaseId(1), keys: true));
            c.Note("keys", string.Join(' ', left.Keys.Select(key => key.ToStringUtf8()).Order(StringComparer.Ordinal)));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("time to live of an id that is not there", c => c.CallAsync(Left(c.LeaseId(9), keys: true)));
        Case("time to live of the id 0", c => c.CallAsync(Left(0)));
        Case("time to live of a revoked one", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Revoke(c.LeaseId(1)));
            await c.CallAsync(Left(c.LeaseId(1)));
        });
        Case("time to live of the longest", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1), 9_000_000_000));
            await c.CallAsync(Left(c.LeaseId(1)));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
    }

    private void Attachments()
    {
        Case("put again with the same lease is one key", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Put(c.Key("k"), "1", c.LeaseId(1)), Put(c.Key("k"), "2", c.LeaseId(1)));
            await c.CallAsync(Left(c.LeaseId(1), keys: true));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("put without the lease detaches", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Put(c.Key("k"), "1", c.LeaseId(1)), Put(c.Key("k"), "2"));
            await c.CallAsync(Left(c.LeaseId(1), keys: true));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("a deletion detaches", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Put(c.Key("k"), "1", c.LeaseId(1)), Delete(c.Key("k")));
            await c.CallAsync(Left(c.LeaseId(1), keys: true));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("a transaction attaches", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), Do(Put(c.Key("k"), "1", c.LeaseId(1)), Put(c.Key("l"), "1")));
            await c.CallAsync(Left(c.LeaseId(1), keys: true));
            await c.CallAsync(Revoke(c.LeaseId(1)));
            await c.CallAsync(All(c));
        });
        Case("a refused transaction attaches nothing", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)));
            await c.CallAsync(Do(Put(c.Key("k"), "1", c.LeaseId(1)), Put(c.Key("l"), "1", c.LeaseId(9))));
            await c.CallAsync(Left(c.LeaseId(1), keys: true));
            await c.PrepareAsync(Revoke(c.LeaseId(1)));
        });
        Case("keys of any bytes", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)), new PutRequest { Key = c.Key([0xff, 0]), Lease = c.LeaseId(1) });
            await c.CallAsync(Left(c.LeaseId(1), keys: true));
            await c.CallAsync(Revoke(c.LeaseId(1)));
        });
    }

    private void Lists()
    {
        Case("no leases", c => c.CallAsync(new LeaseLeasesRequest()));
        Case("leases, the nearest end first", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1), 900), Grant(c.LeaseId(2), 300), Grant(c.LeaseId(3), 600));
            await c.CallAsync(new LeaseLeasesRequest());
            await c.PrepareAsync(Revoke(c.LeaseId(2)));
            await c.CallAsync(new LeaseLeasesRequest());
            await c.PrepareAsync(Revoke(c.LeaseId(1)), Revoke(c.LeaseId(3)));
        });
        Case("the older paths", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1)));
            await c.SendAsync("leases", "/v3/kv/lease/leases", "{}", LeaseLeasesResponse.Descriptor);
            await c.SendAsync("time to live", "/v3/kv/lease/timetolive", $$"""{"ID":{{c.LeaseId(1)}},"keys":true}""", LeaseTimeToLiveResponse.Descriptor);
            await c.SendAsync("revoke", "/v3/kv/lease/revoke", $$"""{"ID":"{{c.LeaseId(1)}}"}""", LeaseRevokeResponse.Descriptor);
        }, Over.Json);
    }

    private void Ends()
    {
        Case("at its end the keys are deleted in one revision", async c =>
        {
            await c.PrepareAsync(Grant(c.LeaseId(1), 1), Put(c.Key("b"), "1", c.LeaseId(1)), Put(c.Key("a"), "1", c.LeaseId(1)));
            Run.Conversation watch = c.Open(Rpc.Named("Watch"), new WatchRequest { CreateRequest = new WatchCreateRequest { Key = c.Key(""), RangeEnd = c.EndOf("") } });
            await watch.TakeAsync(2, "watch");
            await c.CallAsync(All(c));
            await c.CallAsync(Left(c.LeaseId(1)));
            await c.CallAsync(Put(c.Key("k"), "1", c.LeaseId(1)));
            await c.CallAsync(Revoke(c.LeaseId(1)));
        }, Over.Grpc);
    }
}
