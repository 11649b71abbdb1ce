using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.V3Electionpb;
using Google.Protobuf;
using static Conclave.Conformance.Tests.Suite.Requests;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>Election: campaigns and their keys, proclamations, resignations, and what observers are told.</summary>
internal sealed class ElectionCases : CaseGroup
{
    public override string Name => "election";

    private static CampaignRequest Campaign(Run c, int lease, string value) => new() { Name = c.Key("el"), Lease = lease == 0 ? 0 : c.LeaseId(lease), Value = Text(value) };

    private static LeaderRequest Leader(Run c) => new() { Name = c.Key("el") };

    private static ByteString KeyOf(Run c, int lease) => c.Key($"el/{c.LeaseId(lease):x}");

    private static RangeRequest All(Run c) => Get(c.Key(""), c.EndOf(""));

    private static Task<Answer> GrantAsync(Run c, int count) => c.PrepareAsync([.. Enumerable.Range(1, count).Select(i => new LeaseGrantRequest { ID = c.LeaseId(i), TTL = 600 })]);

    /// <summary>A leader as its campaign described it; made up when the campaign failed, so that the case goes on.</summary>
    private static async Task<LeaderKey> WinAsync(Run c, int lease, string value) =>
        ((await c.CallAsync(Campaign(c, lease, value))).Message as CampaignResponse)?.Leader ?? new LeaderKey { Name = c.Key("el"), Key = KeyOf(c, lease), Rev = 1, Lease = c.LeaseId(lease) };

    private static async Task<Run.Pending> WaitingAsync(Run c, int lease, string value)
    {
        Run.Pending pending = c.Start(Campaign(c, lease, value));
        await c.UntilAsync($"key of candidate {lease}", async () => (await c.LookAsync<RangeResponse>(Get(KeyOf(c, lease)))).Count == 1, pending);
        return pending;
    }

    /// <summary>The client goes away; its key is deleted a moment later, which must not happen in the next case.</summary>
    private static async Task GoAwayAsync(Run c, Run.Pending candidate, int lease)
    {
        candidate.GoAway();
        await c.UntilAsync("end of its key", async () => (await c.LookAsync<RangeResponse>(Get(KeyOf(c, lease)))).Count == 0);
    }

    protected override void Define()
    {
        Campaigns();
        Proclamations();
        Resignations();
        Observers();
        Refusals();
    }

    private void Campaigns()
    {
        Case("a free election", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(Campaign(c, 1, "one"));
            await c.CallAsync(Leader(c));
            await c.CallAsync(All(c));
        });
        Case("a lease that the server grants", async c =>
        {
            await c.CallAsync(Campaign(c, 0, "one"));
            RangeResponse seen = await c.LookAsync<RangeResponse>(All(c));
            LeaseTimeToLiveResponse lease = await c.LookAsync<LeaseTimeToLiveResponse>(new LeaseTimeToLiveRequest { ID = seen.Kvs.Count == 1 ? seen.Kvs[0].Lease : 0, Keys = true });
            c.Note("its lease", $"{lease.GrantedTTL} s, {lease.Keys.Count} key");
        });
        Case("no value", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(Campaign(c, 1, ""));
            await c.CallAsync(Leader(c));
        });
        Case("the leader campaigns again with the same value", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(Campaign(c, 1, "one"));
            await c.CallAsync(Campaign(c, 1, "one"));
            await c.CallAsync(All(c));
        });
        Case("the leader campaigns again with another value", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(Campaign(c, 1, "one"));
            await c.CallAsync(Campaign(c, 1, "other"));
            await c.CallAsync(All(c));
        });
        Case("the second waits for the first", async c =>
        {
            await GrantAsync(c, 2);
            LeaderKey first = await WinAsync(c, 1, "one");
            Run.Pending second = await WaitingAsync(c, 2, "two");
            c.Note("it waits", !second.IsOver);
            await c.CallAsync(Leader(c));
            await c.CallAsync(new ResignRequest { Leader = first });
            await c.EndAsync(second);
            await c.CallAsync(Leader(c));
        });
        Case("three in the order they came", async c =>
        {
            await GrantAsync(c, 3);
            LeaderKey first = await WinAsync(c, 1, "one");
            Run.Pending second = await WaitingAsync(c, 2, "two"), third = await WaitingAsync(c, 3, "three");
            await c.CallAsync(new ResignRequest { Leader = first });
            await c.EndAsync(second);
            c.Note("the third waits", !third.IsOver);
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(2) });
            await c.EndAsync(third);
        });
        Case("the leader's lease is revoked", async c =>
        {
            await GrantAsync(c, 2);
            await WinAsync(c, 1, "one");
            Run.Pending second = await WaitingAsync(c, 2, "two");
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) });
            await c.EndAsync(second);
        });
        Case("a candidate that goes away leaves no key", async c =>
        {
            await GrantAsync(c, 2);
            await WinAsync(c, 1, "one");
            Run.Pending second = await WaitingAsync(c, 2, "two");
            await GoAwayAsync(c, second, 2);
            await c.CallAsync(All(c));
        });
        Case("a candidate's own lease is revoked", async c =>
        {
            await GrantAsync(c, 2);
            LeaderKey first = await WinAsync(c, 1, "one");
            Run.Pending second = await WaitingAsync(c, 2, "two");
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(2) });
            await c.CallAsync(new ResignRequest { Leader = first });
            await c.EndAsync(second);
            await c.CallAsync(All(c));
        });
        Case("two elections", async c =>
        {
            await GrantAsync(c, 1);
            await c.CallAsync(Campaign(c, 1, "one"));
            await c.CallAsync(Campaign(c, 1, "one").With(r => r.Name = c.Key("other")));
            await c.CallAsync(All(c));
        });
        Case("a client's own recipe and the server's agree on the leader", async c =>
        {
            await GrantAsync(c, 1);
            await c.PrepareAsync(Put(KeyOf(c, 1), "by hand", c.LeaseId(1)));
            await c.CallAsync(Leader(c));
        });
    }

    private void Proclamations()
    {
        Case("proclaim", async c =>
        {
            await GrantAsync(c, 1);
            LeaderKey leader = await WinAsync(c, 1, "one");
            await c.CallAsync(new ProclaimRequest { Leader = leader, Value = Text("more") });
            await c.CallAsync(Leader(c));
        });
        Case("proclaim twice", async c =>
        {
            await GrantAsync(c, 1);
            LeaderKey leader = await WinAsync(c, 1, "one");
            await c.CallAsync(new ProclaimRequest { Leader = leader, Value = Text("more") });
            await c.CallAsync(new ProclaimRequest { Leader = leader, Value = Text("most") });
            await c.CallAsync(All(c));
        });
        Case("proclaim nothing", async c =>
        {
            await GrantAsync(c, 1);
            LeaderKey leader = await WinAsync(c, 1, "one");
            await c.CallAsync(new ProclaimRequest { Leader = leader });
            await c.CallAsync(Leader(c));
        });
        Case("proclaim after resigning", async c =>
        {
            await GrantAsync(c, 1);
            LeaderKey leader = await WinAsync(c, 1, "one");
            await c.CallAsync(new ResignRequest { Leader = leader });
            await c.CallAsync(new ProclaimRequest { Leader = leader, Value = Text("more") });
            await c.CallAsync(All(c));
        });
        Case("proclaim with another revision", async c =>
        {
            await GrantAsync(c, 1);
            LeaderKey leader = await WinAsync(c, 1, "one");
            await c.CallAsync(new ProclaimRequest { Leader = leader.With(l => l.Rev--), Value = Text("more") });
        });
        Case("proclaim after the lease ended", async c =>
        {
            await GrantAsync(c, 1);
            LeaderKey leader = await WinAsync(c, 1, "one");
            await c.PrepareAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) });
            await c.CallAsync(new ProclaimRequest { Leader = leader, Value = Text("more") });
        });
        Case("proclaim by one who waits", async c =>
        {
            await GrantAsync(c, 2);
            LeaderKey leader = await WinAsync(c, 1, "one");
            Run.Pending second = await WaitingAsync(c, 2, "two");
            await c.CallAsync(new ProclaimRequest { Leader = leader.Clone().With(l => (l.Key, l.Lease) = (KeyOf(c, 2), c.LeaseId(2))), Value = Text("more") });
            await GoAwayAsync(c, second, 2);
        });
    }

    private void Resignations()
    {
        Case("resign", async c =>
        {
            await GrantAsync(c, 1);
            LeaderKey leader = await WinAsync(c, 1, "one");
            await c.CallAsync(new ResignRequest { Leader = leader });
            await c.CallAsync(Leader(c));
            await c.CallAsync(All(c));
        });
        Case("resign twice", async c =>
        {
            await GrantAsync(c, 1);
            LeaderKey leader = await WinAsync(c, 1, "one");
            await c.CallAsync(new ResignRequest { Leader = leader });
            await c.CallAsync(new ResignRequest { Leader = leader });
        });
        Case("resign with another revision does nothing", async c =>
        {
            await GrantAsync(c, 1);
            LeaderKey leader = await WinAsync(c, 1, "one");
            await c.CallAsync(new ResignRequest { Leader = leader.With(l => l.Rev--) });
            await c.CallAsync(Leader(c));
        });
        Case("resign and campaign again", async c =>
        {
            await GrantAsync(c, 1);
            LeaderKey leader = await WinAsync(c, 1, "one");
            await c.CallAsync(new ResignRequest { Leader = leader });
            await c.CallAsync(Campaign(c, 1, "again"));
        });
    }

    private void Observers()
    {
        Case("observe the leader there is", async c =>
        {
            await GrantAsync(c, 1);
            await WinAsync(c, 1, "one");
            await c.Open(Rpc.Named("Observe"), Leader(c)).TakeAsync(1);
        });
        Case("observe a proclamation", async c =>
        {
            await GrantAsync(c, 1);
            LeaderKey leader = await WinAsync(c, 1, "one");
            Run.Conversation observer = c.Open(Rpc.Named("Observe"), Leader(c));
            await observer.TakeAsync(1);
            await c.CallAsync(new ProclaimRequest { Leader = leader, Value = Text("more") });
            await observer.TakeAsync(1);
        });
        Case("observe a change of the leader", async c =>
        {
            await GrantAsync(c, 2);
            LeaderKey leader = await WinAsync(c, 1, "one");
            Run.Pending second = await WaitingAsync(c, 2, "two");
            Run.Conversation observer = c.Open(Rpc.Named("Observe"), Leader(c));
            await observer.TakeAsync(1);
            await c.CallAsync(new ResignRequest { Leader = leader });
            await c.EndAsync(second);
            await observer.TakeAsync(1);
        });
        Case("observe what comes only later", async c =>
        {
            await GrantAsync(c, 1);
            Run.Conversation observer = c.Open(Rpc.Named("Observe"), Leader(c));
            await WinAsync(c, 1, "one");
            await observer.TakeAsync(1);
        });
        Case("observe after a time without a leader", async c =>
        {
            await GrantAsync(c, 2);
            LeaderKey leader = await WinAsync(c, 1, "one");
            Run.Conversation observer = c.Open(Rpc.Named("Observe"), Leader(c));
            await observer.TakeAsync(1);
            await c.CallAsync(new ResignRequest { Leader = leader });
            await c.CallAsync(Campaign(c, 2, "two"));
            await observer.TakeAsync(1);
        });
        Case("a candidate that waits is not told", async c =>
        {
            await GrantAsync(c, 2);
            LeaderKey leader = await WinAsync(c, 1, "one");
            Run.Conversation observer = c.Open(Rpc.Named("Observe"), Leader(c));
            await observer.TakeAsync(1);
            Run.Pending second = await WaitingAsync(c, 2, "two");
            await c.CallAsync(new ProclaimRequest { Leader = leader, Value = Text("more") });
            await observer.TakeAsync(1);
            await GoAwayAsync(c, second, 2);
        });
    }

    private void Refusals()
    {
        Case("no leader", c => c.CallAsync(Leader(c)));
        Case("an unknown lease", async c =>
        {
            await c.CallAsync(Campaign(c, 9, "one"));
            await c.CallAsync(All(c));
        });
        Case("proclaim without a leader", c => c.CallAsync(new ProclaimRequest { Value = Text("more") }));
        Case("resign without a leader", c => c.CallAsync(new ResignRequest()));
        Case("resign with an empty leader", c => c.CallAsync(new ResignRequest { Leader = new LeaderKey() }));
        Case("proclaim with an empty leader", c => c.CallAsync(new ProclaimRequest { Leader = new LeaderKey(), Value = Text("more") }));
    }
}
