using System.Security.Cryptography;
using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using static Conclave.Conformance.Tests.Suite.Requests;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>Maintenance on one member: alarms and what they stop, status, hashes, defragmentation, and the snapshot stream.</summary>
internal sealed class MaintenanceCases : CaseGroup
{
    private const int BlobBytesMax = 64 * 1024, BlockBytes = 512;

    public override string Name => "maintenance";

    private static AlarmRequest Alarm(AlarmRequest.Types.AlarmAction action, AlarmType alarm = AlarmType.None, ulong member = 0) => new() { Action = action, Alarm = alarm, MemberID = member };

    private static AlarmRequest Raise(AlarmType alarm, ulong member) => Alarm(AlarmRequest.Types.AlarmAction.Activate, alarm, member);

    private static AlarmRequest Clear(AlarmType alarm, ulong member) => Alarm(AlarmRequest.Types.AlarmAction.Deactivate, alarm, member);

    private static async Task<ulong> SelfAsync(Run c) => (await c.LookAsync<StatusResponse>(new StatusRequest())).Header.MemberId;

    protected override void Define()
    {
        Status();
        Alarms();
        Space();
        Corruption();
        Hashes();
        Others();
        Snapshots();
    }

    private void Status()
    {
        Case("status", c => c.CallAsync(new StatusRequest()));
        Case("status tells the leader and the sizes", async c =>
        {
            var status = await c.LookAsync<StatusResponse>(new StatusRequest());
            c.Note("leader is this member", status.Leader == status.Header.MemberId);
            c.Note("sizes", status.DbSize > 0 && status.DbSizeInUse > 0 && status.DbSizeInUse <= status.DbSize);
            c.Note("raft", status.RaftTerm == status.Header.RaftTerm && status.RaftAppliedIndex > 0 && status.RaftAppliedIndex <= status.RaftIndex);
        }, Over.Grpc);
        Case("status after a write", async c =>
        {
            var before = await c.LookAsync<StatusResponse>(new StatusRequest());
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            var after = await c.LookAsync<StatusResponse>(new StatusRequest());
            c.Note("it goes on", after.Header.Revision == before.Header.Revision + 1 && after.RaftAppliedIndex > before.RaftAppliedIndex);
        }, Over.Grpc);
    }

    private void Alarms()
    {
        Case("no alarms", c => c.CallAsync(new AlarmRequest()));
        Case("no alarms of a member", c => c.CallAsync(Alarm(AlarmRequest.Types.AlarmAction.Get, AlarmType.Nospace, 77)));
        Case("an alarm is raised, seen, and cleared", async c =>
        {
            ulong self = await SelfAsync(c);
            await c.CallAsync(Raise(AlarmType.Nospace, self));
            await c.CallAsync(new AlarmRequest());
            await c.CallAsync(new StatusRequest());
            c.Note("status names it", (await c.LookAsync<StatusResponse>(new StatusRequest())).Errors.Select(error => error.Replace($"{self}", "<id>", StringComparison.Ordinal)).SingleOrDefault());
            await c.CallAsync(Clear(AlarmType.Nospace, self));
            await c.CallAsync(new AlarmRequest());
        });
        Case("an alarm raised twice", async c =>
        {
            ulong self = await SelfAsync(c);
            await c.CallAsync(Raise(AlarmType.Nospace, self));
            await c.CallAsync(Raise(AlarmType.Nospace, self));
            await c.CallAsync(new AlarmRequest());
            await c.CallAsync(Clear(AlarmType.Nospace, self));
            await c.CallAsync(Clear(AlarmType.Nospace, self));
        });
        Case("an alarm of another member", async c =>
        {
            await c.CallAsync(Raise(AlarmType.Nospace, 4711));
            await c.CallAsync(new AlarmRequest());
            await c.CallAsync(Clear(AlarmType.Nospace, 4711));
            await c.CallAsync(new AlarmRequest());
        });
        Case("alarms are listed by kind and by member", async c =>
        {
            ulong self = await SelfAsync(c);
            await c.PrepareAsync(Raise(AlarmType.Nospace, self), Raise(AlarmType.Nospace, 4711));
            foreach (AlarmType kind in (AlarmType[])[AlarmType.None, AlarmType.Nospace, AlarmType.Corrupt])
            {
                foreach (ulong member in (ulong[])[0, self, 4711, 12])
                    c.Note($"{kind} of {(member == self ? "this member" : member)}", (await c.LookAsync<AlarmResponse>(Alarm(AlarmRequest.Types.AlarmAction.Get, kind, member))).Alarms.Count);
            }
            await c.PrepareAsync(Clear(AlarmType.Nospace, self), Clear(AlarmType.Nospace, 4711));
        }, Over.Grpc);
        Case("clear what was not raised", async c => await c.CallAsync(Clear(AlarmType.Corrupt, await SelfAsync(c))));
        Case("clear no kind", async c => await c.CallAsync(Clear(AlarmType.None, await SelfAsync(c))));
        Case("an alarm takes no revision", async c =>
        {
            ulong self = await SelfAsync(c);
            await c.PrepareAsync(Raise(AlarmType.Nospace, self), Clear(AlarmType.Nospace, self));
            await c.CallAsync(Put(c.Key("k")));
        });
        // An action that does not exist is not asked for: it ends the process of etcd 3.4.
    }

    private void Space()
    {
        (string Name, Func<Run, IMessage> Request)[] requests =
        [
            ("a put", c => Put(c.Key("k"), "1")),
            ("a put of nothing", c => Put(c.Key("k"))),
            ("a transaction with a put", c => Do(Put(c.Key("k")))),
            ("a transaction with a put in the branch not taken", c => Do(Delete(c.Key("there"))).Else(Put(c.Key("k")))),
            ("a transaction with a nested put", c => Do(Do(Put(c.Key("k"))))),
            ("a transaction with a deletion", c => Do(Delete(c.Key("there")))),
            ("a transaction with a read", c => Do(Get(c.Key("there")))),
            ("a read", c => Get(c.Key("there"))),
            ("a deletion", c => Delete(c.Key("there"))),
            ("a new lease", c => new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }),
            ("the end of a lease", c => new LeaseRevokeRequest { ID = c.LeaseId(2) }),
            ("a lease's time to live", c => new LeaseTimeToLiveRequest { ID = c.LeaseId(2), Keys = true }),
            ("a compaction", c => new CompactionRequest { Revision = c.First + 1 }),
            ("a put without key", _ => new PutRequest()),
            ("a put with an unknown lease", c => Put(c.Key("k"), lease: c.LeaseId(9))),
            ("too many operations", c => Do([.. Enumerable.Range(0, 129).Select(i => Put(c.Key($"{i}")))])),
            ("a defragmentation", _ => new DefragmentRequest()),
        ];
        foreach ((string name, Func<Run, IMessage> request) in requests)
        {
            Case($"no space: {name}", async c =>
            {
                ulong self = await SelfAsync(c);
                await c.PrepareAsync(Put(c.Key("there"), "1"), new LeaseGrantRequest { ID = c.LeaseId(2), TTL = 600 }, Put(c.Key("leased"), "1", c.LeaseId(2)), Raise(AlarmType.Nospace, self));
                await c.CallAsync(request(c));
                await c.PrepareAsync(Clear(AlarmType.Nospace, self));
                await c.CallAsync(Put(c.Key("after")));
            });
        }
        Case("no space: a lease is renewed", async c =>
        {
            ulong self = await SelfAsync(c);
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Raise(AlarmType.Nospace, self));
            await c.Open(Rpc.Named("LeaseKeepAlive"), new LeaseKeepAliveRequest { ID = c.LeaseId(1) }).TakeAsync(1);
            await c.PrepareAsync(Clear(AlarmType.Nospace, self));
        });
        Case("no space: another member's alarm counts as well", async c =>
        {
            await c.PrepareAsync(Raise(AlarmType.Nospace, 4711));
            await c.CallAsync(Put(c.Key("k")));
            await c.PrepareAsync(Clear(AlarmType.Nospace, 4711));
            await c.CallAsync(Put(c.Key("k")));
        });
    }

    private void Corruption()
    {
        (string Name, Func<Run, IMessage> Request)[] requests =
        [
            ("a put", c => Put(c.Key("k"), "1")), ("a deletion", c => Delete(c.Key("there"))), ("a transaction with a put", c => Do(Put(c.Key("k")))),
            ("a transaction with a read", c => Do(Get(c.Key("there")))), ("a read", c => Get(c.Key("there"))), ("a new lease", c => new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }),
            ("the end of a lease", c => new LeaseRevokeRequest { ID = c.LeaseId(2) }), ("a compaction", c => new CompactionRequest { Revision = c.First + 1 }),
        ];
        foreach ((string name, Func<Run, IMessage> request) in requests)
        {
            Case($"corrupt: {name}", async c =>
            {
                ulong self = await SelfAsync(c);
                await c.PrepareAsync(Put(c.Key("there"), "1"), new LeaseGrantRequest { ID = c.LeaseId(2), TTL = 600 }, Raise(AlarmType.Corrupt, self));
                await c.CallAsync(request(c));
                await c.PrepareAsync(Clear(AlarmType.Corrupt, self));
                await c.CallAsync(Put(c.Key("after")));
            });
        }
    }

    private void Hashes()
    {
        Case("hash", c => c.CallAsync(new HashRequest()));
        Case("hash of the current revision", c => c.CallAsync(new HashKVRequest()), Over.Grpc);
        Case("hash of a revision", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"), Put(c.Key("k"), "2"));
            await c.CallAsync(new HashKVRequest { Revision = c.First + 1 });
            await c.CallAsync(new HashKVRequest { Revision = c.First + 2 });
        }, Over.Grpc);
        Case("hash of the future", c => c.CallAsync(new HashKVRequest { Revision = c.First + 1 }), Over.Grpc);
        Case("hash below zero", c => c.CallAsync(new HashKVRequest { Revision = -1 }), Over.Grpc);
        Case("hashes differ by revision and are the same again", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"), Put(c.Key("k"), "2"));
            uint one = (await c.LookAsync<HashKVResponse>(new HashKVRequest { Revision = c.First + 1 })).Hash, two = (await c.LookAsync<HashKVResponse>(new HashKVRequest { Revision = c.First + 2 })).Hash;
            await c.PrepareAsync(Put(c.Key("l")));
            c.Note("differ", one != two);
            c.Note("the same again", one == (await c.LookAsync<HashKVResponse>(new HashKVRequest { Revision = c.First + 1 })).Hash);
        }, Over.Grpc);
    }

    private void Others()
    {
        Case("defragment", async c =>
        {
            await c.CallAsync(new DefragmentRequest());
            await c.CallAsync(Put(c.Key("k")));
        });
        Case("move the leader of one member", c => c.CallAsync(new MoveLeaderRequest { TargetID = 1 }));
        Case("move the leader of one member to itself", async c => await c.CallAsync(new MoveLeaderRequest { TargetID = await SelfAsync(c) }));
        Case("pages of old are gone", async c =>
        {
            foreach (string path in (string[])["/v2/keys/foo", "/v2/members", "/"])
                c.Note(path, (await c.Target.Json.SendAsync(HttpMethod.Get, path, null, null, new Dictionary<string, string>(), null, c.Cancellation)).Seen["status"]?.DeepClone());
        }, Over.Json);
        Case("health", async c =>
        {
            await c.SendAsync("GET", "/health", null, method: HttpMethod.Get);
            await c.SendAsync("POST", "/health", "{}");
            ulong self = await SelfAsync(c);
            await c.PrepareAsync(Raise(AlarmType.Nospace, self));
            await c.SendAsync("GET with an alarm", "/health", null, method: HttpMethod.Get);
            await c.PrepareAsync(Clear(AlarmType.Nospace, self));
            await c.SendAsync("GET after it", "/health", null, method: HttpMethod.Get);
        }, Over.Json);
        Case("version", async c =>
        {
            var version = (await c.Target.Json.SendAsync(HttpMethod.Get, "/version", null, null, new Dictionary<string, string>(), null, c.Cancellation)).Seen;
            c.Note("status", version["status"]?.DeepClone());
            foreach (string name in (string[])["etcdserver", "etcdcluster"])
                c.Note($"{name} has three numbers", version["body"]?[name]?.GetValue<string>().Split('.').Count(part => int.TryParse(part, out _)));
        }, Over.Json);
    }

    private void Snapshots()
    {
        Case("a snapshot is blobs and a checksum behind them", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), new string('v', 200_000)));
            Run.Conversation stream = c.Open(Rpc.Named("Snapshot"), new SnapshotRequest());
            List<SnapshotResponse> parts = [];
            while (await stream.LookAsync() is SnapshotResponse part)
                parts.Add(part);
            byte[] body = [.. parts.SkipLast(1).SelectMany(part => part.Blob)];
            c.Note("headers", parts.Count(part => part.Header is not null));
            c.Note("the last is the SHA-256 of all before", parts.Count > 1 && parts[^1].Blob.Span.SequenceEqual(SHA256.HashData(body)));
            c.Note("remaining_bytes counts down to the checksum", parts.SkipLast(1).Aggregate((Ok: true, Left: (ulong)body.Length), (at, part) => (at.Ok && part.RemainingBytes == at.Left - (ulong)part.Blob.Length, part.RemainingBytes)).Ok);
            c.Note("whole blocks", body.Length > 0 && body.Length % BlockBytes == 0);
            c.Note("no blob is large", parts.All(part => part.Blob.Length <= BlobBytesMax));
        });
    }
}
