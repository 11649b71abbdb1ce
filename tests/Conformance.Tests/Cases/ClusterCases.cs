using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>Cluster, and what of Maintenance needs several members: lists, additions, removals, refusals, and moving the leader. Each cluster has three members.</summary>
internal sealed class ClusterCases : CaseGroup
{
    public override string Name => "cluster";

    public override int Members => 3;

    private static MemberListRequest List => new();

    private static MemberAddRequest Add(bool learner, params string[] urls) => new() { PeerURLs = { urls }, IsLearner = learner };

    private static async Task<ulong> IdOfAsync(Run c, int place) =>
        (await c.LookAsync<MemberListResponse>(List)).Members.Single(member => member.Name == c.Target.Cluster.Members[place].Name).ID;

    private static async Task<ulong> FollowerAsync(Run c) => await IdOfAsync(c, Enumerable.Range(0, 3).First(place => place != c.Target.Member));

    /// <summary>Of a member that is never started. etcd makes ids from URL and second, so both transports need their own.</summary>
    private static string NewUrl(Run c, int number) => $"http://127.0.0.1:{(c.Over == Over.Grpc ? 9800 : 9900) + number}";

    private static string PeerUrl(Run c, int place) => $"http://127.0.0.1:{c.Target.Cluster.Members[place].PeerPort}";

    /// <summary>For some seconds after its start etcd refuses every change of its members, as it has not seen them be well for long enough.</summary>
    public override async Task SetUpAsync(Run c)
    {
        MemberAddResponse? added = null;
        await c.UntilAsync("that members can be changed", async () => (added = (await c.CallAsync(Add(true, "http://127.0.0.1:9870"))).Message as MemberAddResponse) is not null);
        await c.PrepareAsync(new MemberRemoveRequest { ID = added!.Member.ID });   // not null: that is what was waited for
    }

    protected override void Define()
    {
        Case("list", c => c.CallAsync(List));
        Case("list, linearizable", c => c.CallAsync(new MemberListRequest { Linearizable = true }));
        Case("ids are those of the headers and of the status", async c =>
        {
            var list = await c.LookAsync<MemberListResponse>(List);
            var status = await c.LookAsync<StatusResponse>(new StatusRequest());
            c.Note("they are", list.Header.MemberId == status.Header.MemberId && list.Header.ClusterId == status.Header.ClusterId && list.Members.Any(member => member.ID == status.Header.MemberId)
                && list.Members.Any(member => member.ID == status.Leader) && list.Members.Select(member => member.ID).Distinct().Count() == 3);
        });
        Additions();
        RemovalsAndUpdates();
        Leaders();
        Reads();
    }

    private void Additions()
    {
        (string Name, Func<Run, MemberAddRequest> Request)[] refused =
        [
            ("no URL", _ => Add(false)),
            ("an empty URL", _ => Add(false, "")),
            ("no scheme", _ => Add(false, "127.0.0.1:9999")),
            ("no port", _ => Add(false, "http://127.0.0.1")),
            ("a scheme that is none", _ => Add(false, "gopher://127.0.0.1:9999")),
            ("a slash at the end", _ => Add(false, "http://127.0.0.1:9999/")),
            ("a path", _ => Add(false, "http://127.0.0.1:9999/path")),
            ("a blank in it", _ => Add(false, "http://127.0.0.1 :9999")),
            ("words", _ => Add(false, "not a url")),
            ("one good and one bad URL", _ => Add(false, "http://127.0.0.1:9999", "bad")),
            ("another member's URL", c => Add(false, PeerUrl(c, 1))),
            ("another member's URL, as learner", c => Add(true, PeerUrl(c, 1))),
            ("another member's URL and a new one", c => Add(false, "http://127.0.0.1:9999", PeerUrl(c, 2))),
        ];
        foreach ((string name, Func<Run, MemberAddRequest> request) in refused)
        {
            Case($"add refused: {name}", async c =>
            {
                await c.CallAsync(request(c));
                c.Note("members", (await c.LookAsync<MemberListResponse>(List)).Members.Count);
            });
        }
        Case("add a learner and remove it", async c =>
        {
            Answer added = await c.CallAsync(Add(true, NewUrl(c, 71)));
            await c.CallAsync(List);
            ulong id = added.As<MemberAddResponse>().Member.ID;
            await c.CallAsync(new MemberPromoteRequest { ID = id });
            await c.CallAsync(Add(true, NewUrl(c, 72)), "MemberAdd of a second learner");
            await c.CallAsync(new MemberRemoveRequest { ID = id });
            await c.CallAsync(new MemberRemoveRequest { ID = id }, "MemberRemove again");
            await c.CallAsync(List);
        });
        Case("a learner's URL is changed", async c =>
        {
            ulong id = (await c.PrepareAsync(Add(true, NewUrl(c, 73)))).As<MemberAddResponse>().Member.ID;
            await c.CallAsync(new MemberUpdateRequest { ID = id, PeerURLs = { NewUrl(c, 74), NewUrl(c, 75) } });
            await c.CallAsync(List);
            await c.PrepareAsync(new MemberRemoveRequest { ID = id });
        });
        Case("two learners have different ids", async c =>
        {
            ulong one = (await c.PrepareAsync(Add(true, NewUrl(c, 76)))).As<MemberAddResponse>().Member.ID;
            await c.PrepareAsync(new MemberRemoveRequest { ID = one });
            ulong other = (await c.PrepareAsync(Add(true, NewUrl(c, 78)))).As<MemberAddResponse>().Member.ID;
            await c.PrepareAsync(new MemberRemoveRequest { ID = other });
            c.Note("they differ", one != other);
        });
    }

    private void RemovalsAndUpdates()
    {
        Case("remove who is not there", c => c.CallAsync(new MemberRemoveRequest { ID = 12345 }));
        Case("remove the id 0", c => c.CallAsync(new MemberRemoveRequest()));
        Case("update who is not there", c => c.CallAsync(new MemberUpdateRequest { ID = 12345, PeerURLs = { "http://127.0.0.1:9999" } }));
        // An update of a member to no URL or to a bad one is not asked for: it ends the processes of etcd 3.4, and again at each start.
        Case("update to another member's URL", async c =>
        {
            int place = Enumerable.Range(0, 3).First(one => one != c.Target.Member);
            await c.CallAsync(new MemberUpdateRequest { ID = await IdOfAsync(c, place), PeerURLs = { PeerUrl(c, c.Target.Member) } });
        });
        Case("a bad URL comes before an unknown id", c => c.CallAsync(new MemberUpdateRequest { ID = 12345, PeerURLs = { "bad" } }));
        Case("update to what is there", async c =>
        {
            int place = Enumerable.Range(0, 3).First(one => one != c.Target.Member);
            await c.CallAsync(new MemberUpdateRequest { ID = await IdOfAsync(c, place), PeerURLs = { PeerUrl(c, place) } });
        });
        Case("promote who is not there", c => c.CallAsync(new MemberPromoteRequest { ID = 12345 }));
        Case("promote a voter", async c => await c.CallAsync(new MemberPromoteRequest { ID = await FollowerAsync(c) }));
        Case("promote the leader", async c => await c.CallAsync(new MemberPromoteRequest { ID = await IdOfAsync(c, c.Target.Member) }));
    }

    private void Leaders()
    {
        Case("move the leader to who is not there", c => c.CallAsync(new MoveLeaderRequest { TargetID = 12345 }));
        Case("move the leader to the id 0", c => c.CallAsync(new MoveLeaderRequest()));
        Case("move the leader to itself", async c => await c.CallAsync(new MoveLeaderRequest { TargetID = await IdOfAsync(c, c.Target.Member) }));
        Case("move the leader to a learner", async c =>
        {
            ulong id = (await c.PrepareAsync(Add(true, NewUrl(c, 77)))).As<MemberAddResponse>().Member.ID;
            await c.CallAsync(new MoveLeaderRequest { TargetID = id });
            await c.PrepareAsync(new MemberRemoveRequest { ID = id });
        });
        Case("a follower moves nothing", async c =>
        {
            int place = Enumerable.Range(0, 3).First(one => one != c.Target.Member);
            await using var follower = new Target(c.Target.Cluster, owned: false) { Member = place };
            var asked = new Run(follower, "a follower moves nothing", c.Over, c.First, c.Cancellation);
            Answer answer = await asked.CallAsync(new MoveLeaderRequest { TargetID = await FollowerAsync(c) });
            c.Note("MoveLeader", answer.Seen);
        });
        Case("a follower answers as the leader does", async c =>
        {
            int place = Enumerable.Range(0, 3).First(one => one != c.Target.Member);
            await using var follower = new Target(c.Target.Cluster, owned: false) { Member = place };
            var asked = new Run(follower, "a follower answers as the leader does", c.Over, c.First, c.Cancellation);
            await asked.CallAsync(Requests.Put(asked.Key("k"), "1"));
            await asked.CallAsync(Requests.Get(asked.Key("k")));
            await asked.CallAsync(new LeaseGrantRequest { ID = asked.LeaseId(1), TTL = 600 });
            await asked.CallAsync(new LeaseTimeToLiveRequest { ID = asked.LeaseId(1) });
            await asked.Open(Rpc.Named("LeaseKeepAlive"), new LeaseKeepAliveRequest { ID = asked.LeaseId(1) }).TakeAsync(1);
            await asked.CallAsync(new LeaseRevokeRequest { ID = asked.LeaseId(1) });
            await asked.CallAsync(List);
            await asked.CallAsync(new MemberRemoveRequest { ID = 12345 });
            asked.CloseAll();
            foreach ((string step, System.Text.Json.Nodes.JsonNode? seen) in asked.Transcript(0).Steps)
                c.Note(step, seen);
        });
    }

    private void Reads()
    {
        Case("all members have the same hash", async c =>
        {
            await c.PrepareAsync(Requests.Put(c.Key("k"), "1"));
            HashSet<uint> hashes = [];
            for (int place = 0; place < 3; place++)
            {
                await using var member = new Target(c.Target.Cluster, owned: false) { Member = place };
                var asked = new Run(member, "all members have the same hash", Over.Grpc, c.First, c.Cancellation);
                await asked.LookAsync<RangeResponse>(Requests.Get(c.Key("k")));   // it has caught up once it has answered
                hashes.Add((await asked.LookAsync<HashKVResponse>(new HashKVRequest { Revision = c.First + 1 })).Hash);
            }
            c.Note("hashes", hashes.Count);
        }, Over.Grpc);
    }
}
