using System.Buffers;
using Conclave.Node.Http;
using Conclave.Node.Tests.Nodes;
using Conclave.Wire.Etcd.Authpb;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.V3Electionpb;
using Conclave.Wire.Etcd.V3Lockpb;
using Conclave.Wire.Grpc;
using Conclave.Wire.Grpc.Health;
using Google.Protobuf;
using Config = Conclave.Wire.V1;

namespace Conclave.Node.Tests.Auth;

/// <summary>Goes over all methods that a node serves: each has to be in the table, with who may call it.</summary>
public sealed class EveryMethodTests : IAsyncLifetime
{
    private const long SecretLease = 0x5ec, BobsLease = 0xb0b, NoMember = 0x123456;

    /// <summary>Who may. Where it is <see cref="Keys"/>, the request is about keys that bob has no role for.</summary>
    public enum Decision { Everybody, AnyUser, Keys, Administrator }

    private static readonly ByteString Secret = ByteString.CopyFromUtf8("secret"), SecretKey = ByteString.CopyFromUtf8("secret/1"), SecretsEnd = ByteString.CopyFromUtf8("secret0");

    private static readonly LeaderKey SecretLeader = new() { Name = Secret, Key = SecretKey, Rev = 2, Lease = SecretLease };

    private static readonly (string Path, Decision May, IMessage Request)[] Table =
    [
        ("/grpc.health.v1.Health/Check", Decision.Everybody, new HealthCheckRequest()),
        ("/grpc.health.v1.Health/Watch", Decision.Everybody, new HealthCheckRequest()),
        ("/etcdserverpb.KV/Range", Decision.Keys, new RangeRequest { Key = SecretKey }),
        ("/etcdserverpb.KV/Range", Decision.Keys, new RangeRequest { Key = SecretKey, Serializable = true }),
        ("/etcdserverpb.KV/Range", Decision.Keys, new RangeRequest { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0), CountOnly = true }),
        ("/etcdserverpb.KV/Put", Decision.Keys, new PutRequest { Key = ByteString.CopyFromUtf8("secret2") }),
        ("/etcdserverpb.KV/Put", Decision.Keys, new PutRequest { Key = ByteString.CopyFromUtf8("bob/1"), Lease = SecretLease }),
        ("/etcdserverpb.KV/DeleteRange", Decision.Keys, new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("secret2"), PrevKv = true }),
        ("/etcdserverpb.KV/Txn", Decision.Keys, new TxnRequest { Compare = { new Compare { Key = SecretKey, Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Greater } } }),
        ("/etcdserverpb.KV/Txn", Decision.Keys, new TxnRequest { Failure = { new RequestOp { RequestTxn = new TxnRequest { Success = { new RequestOp { RequestRange = new RangeRequest { Key = SecretKey } } } } } } }),
        ("/etcdserverpb.KV/Txn", Decision.Keys, new TxnRequest { Failure = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("secret2") } } } }),
        ("/etcdserverpb.KV/Compact", Decision.Administrator, new CompactionRequest { Revision = 1 }),
        ("/etcdserverpb.Watch/Watch", Decision.Keys, new WatchRequest { CreateRequest = new WatchCreateRequest { Key = SecretKey } }),
        ("/etcdserverpb.Watch/Watch", Decision.Keys, new WatchRequest { CreateRequest = new WatchCreateRequest { RangeEnd = ByteString.CopyFrom(0) } }),
        ("/etcdserverpb.Lease/LeaseGrant", Decision.AnyUser, new LeaseGrantRequest { TTL = 60 }),
        ("/etcdserverpb.Lease/LeaseKeepAlive", Decision.Keys, new LeaseKeepAliveRequest { ID = SecretLease }),
        ("/etcdserverpb.Lease/LeaseTimeToLive", Decision.Everybody, new LeaseTimeToLiveRequest { ID = SecretLease }),
        ("/etcdserverpb.Lease/LeaseTimeToLive", Decision.Keys, new LeaseTimeToLiveRequest { ID = SecretLease, Keys = true }),
        ("/etcdserverpb.Lease/LeaseLeases", Decision.AnyUser, new LeaseLeasesRequest()),
        ("/etcdserverpb.Cluster/MemberList", Decision.AnyUser, new MemberListRequest()),
        ("/etcdserverpb.Cluster/MemberAdd", Decision.Administrator, new MemberAddRequest { PeerURLs = { "no url" } }),
        ("/etcdserverpb.Cluster/MemberRemove", Decision.Administrator, new MemberRemoveRequest { ID = NoMember }),
        ("/etcdserverpb.Cluster/MemberUpdate", Decision.Administrator, new MemberUpdateRequest { ID = NoMember, PeerURLs = { "no url" } }),
        ("/etcdserverpb.Cluster/MemberPromote", Decision.Administrator, new MemberPromoteRequest { ID = NoMember }),
        ("/etcdserverpb.Maintenance/Status", Decision.AnyUser, new StatusRequest()),
        ("/etcdserverpb.Maintenance/Alarm", Decision.AnyUser, new AlarmRequest()),
        ("/etcdserverpb.Maintenance/Alarm", Decision.Administrator, new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Deactivate, Alarm = AlarmType.Nospace }),
        ("/etcdserverpb.Maintenance/Defragment", Decision.Administrator, new DefragmentRequest()),
        ("/etcdserverpb.Maintenance/Hash", Decision.Administrator, new HashRequest()),
        ("/etcdserverpb.Maintenance/HashKV", Decision.Administrator, new HashKVRequest()),
        ("/etcdserverpb.Maintenance/MoveLeader", Decision.Administrator, new MoveLeaderRequest { TargetID = NoMember }),
        ("/etcdserverpb.Maintenance/Downgrade", Decision.Administrator, new DowngradeRequest { Action = DowngradeRequest.Types.DowngradeAction.Cancel }),
        ("/etcdserverpb.Maintenance/Snapshot", Decision.Administrator, new SnapshotRequest()),
        ("/v3lockpb.Lock/Lock", Decision.Keys, new LockRequest { Name = ByteString.CopyFromUtf8("secret/lock") }),
        ("/v3lockpb.Lock/Lock", Decision.Keys, new LockRequest { Name = ByteString.CopyFromUtf8("secret/mine"), Lease = BobsLease }),
        ("/v3lockpb.Lock/Unlock", Decision.Keys, new UnlockRequest { Key = ByteString.CopyFromUtf8("secret2") }),
        ("/v3electionpb.Election/Campaign", Decision.Keys, new CampaignRequest { Name = ByteString.CopyFromUtf8("secret/election"), Lease = BobsLease }),
        ("/v3electionpb.Election/Proclaim", Decision.Keys, new ProclaimRequest { Leader = SecretLeader }),
        ("/v3electionpb.Election/Leader", Decision.Keys, new LeaderRequest { Name = Secret }),
        ("/v3electionpb.Election/Observe", Decision.Keys, new LeaderRequest { Name = Secret }),
        ("/v3electionpb.Election/Resign", Decision.Keys, new ResignRequest { Leader = new LeaderKey { Key = ByteString.CopyFromUtf8("secret2"), Rev = 1 } }),
        ("/conclave.v1.Config/Get", Decision.Keys, new Config.GetRequest { Document = "d" }),
        ("/conclave.v1.Config/Explain", Decision.Keys, new Config.ExplainRequest { Document = "d", Key = "k" }),
        ("/conclave.v1.Config/Compare", Decision.Keys, new Config.CompareRequest { Document = "d" }),
        ("/conclave.v1.Config/Search", Decision.Keys, new Config.SearchRequest { Text = "x" }),
        ("/conclave.v1.Config/Documents", Decision.AnyUser, new Config.DocumentsRequest()),
        ("/conclave.v1.Config/Documents", Decision.Keys, new Config.DocumentsRequest { Document = "d" }),
        ("/conclave.v1.Config/WhoUses", Decision.Keys, new Config.WhoUsesRequest { Document = "d", Key = "k" }),
        ("/conclave.v1.Config/Render", Decision.Keys, new Config.RenderRequest { Document = "d", Format = "json" }),
        ("/conclave.v1.Config/Plan", Decision.AnyUser, new Config.PlanRequest()),
        ("/conclave.v1.Config/Publish", Decision.AnyUser, new Config.PublishRequest { Reason = "none" }),
        ("/conclave.v1.Config/Rollback", Decision.AnyUser, new Config.RollbackRequest { To = 1, Reason = "none" }),
        ("/conclave.v1.Config/Releases", Decision.Keys, new Config.ReleasesRequest()),
        ("/conclave.v1.Config/Diff", Decision.Keys, new Config.DiffRequest()),
        ("/conclave.v1.Config/Export", Decision.Keys, new Config.ExportRequest()),
        ("/conclave.v1.Config/PutDraft", Decision.AnyUser, new Config.PutDraftRequest { Name = "draft" }),
        ("/conclave.v1.Config/Drafts", Decision.Keys, new Config.DraftsRequest()),
        ("/conclave.v1.Config/DropDraft", Decision.AnyUser, new Config.DropDraftRequest { Name = "none" }),
        ("/conclave.v1.Config/RebaseDraft", Decision.AnyUser, new Config.RebaseDraftRequest { Name = "none" }),
        ("/conclave.v1.Config/Nodes", Decision.AnyUser, new Config.NodesRequest()),
        ("/conclave.v1.Config/Watch", Decision.Keys, new Config.WatchRequest { Node = "n" }),
        ("/conclave.v1.Config/Acknowledge", Decision.Keys, new Config.AcknowledgeRequest { Node = "n" }),
        ("/conclave.v1.Config/Fleet", Decision.Keys, new Config.FleetRequest()),
        ("/conclave.v1.Config/Rollouts", Decision.Keys, new Config.RolloutsRequest()),
        ("/conclave.v1.Config/SteerRollout", Decision.AnyUser, new Config.SteerRolloutRequest { Release = 1, Action = "pause" }),   // which documents it takes is known when there is one
        ("/conclave.v1.Config/PutSecret", Decision.Keys, new Config.PutSecretRequest { Name = "n", Value = "1" }),
        ("/conclave.v1.Config/Secrets", Decision.Keys, new Config.SecretsRequest()),
        ("/conclave.v1.Config/RotateSecrets", Decision.Keys, new Config.RotateSecretsRequest { Space = "*" }),
        ("/conclave.v1.Config/DropSecret", Decision.Keys, new Config.DropSecretRequest { Name = "n" }),
        ("/etcdserverpb.Lease/LeaseRevoke", Decision.Keys, new LeaseRevokeRequest { ID = SecretLease }),   // after what needs the lease
        ("/etcdserverpb.Auth/AuthEnable", Decision.Administrator, new AuthEnableRequest()),
        ("/etcdserverpb.Auth/AuthStatus", Decision.Administrator, new AuthStatusRequest()),
        ("/etcdserverpb.Auth/Authenticate", Decision.Everybody, new AuthenticateRequest { Name = "bob", Password = "bp" }),
        ("/etcdserverpb.Auth/UserAdd", Decision.Administrator, new AuthUserAddRequest { Name = "eve", Options = new UserAddOptions { NoPassword = true } }),
        ("/etcdserverpb.Auth/UserGet", Decision.Administrator, new AuthUserGetRequest { Name = "root" }),
        ("/etcdserverpb.Auth/UserGet", Decision.AnyUser, new AuthUserGetRequest { Name = "bob" }),
        ("/etcdserverpb.Auth/UserList", Decision.Administrator, new AuthUserListRequest()),
        ("/etcdserverpb.Auth/UserDelete", Decision.Administrator, new AuthUserDeleteRequest { Name = "nobody" }),
        ("/etcdserverpb.Auth/UserChangePassword", Decision.Administrator, new AuthUserChangePasswordRequest { Name = "nobody", Password = "x" }),
        ("/etcdserverpb.Auth/UserGrantRole", Decision.Administrator, new AuthUserGrantRoleRequest { User = "bob", Role = "nothing" }),
        ("/etcdserverpb.Auth/UserRevokeRole", Decision.Administrator, new AuthUserRevokeRoleRequest { Name = "bob", Role = "nothing" }),
        ("/etcdserverpb.Auth/RoleAdd", Decision.Administrator, new AuthRoleAddRequest { Name = "r" }),
        ("/etcdserverpb.Auth/RoleGet", Decision.Administrator, new AuthRoleGetRequest { Role = "nothing" }),
        ("/etcdserverpb.Auth/RoleGet", Decision.AnyUser, new AuthRoleGetRequest { Role = "bobs" }),
        ("/etcdserverpb.Auth/RoleList", Decision.Administrator, new AuthRoleListRequest()),
        ("/etcdserverpb.Auth/RoleDelete", Decision.Administrator, new AuthRoleDeleteRequest { Role = "nothing" }),
        ("/etcdserverpb.Auth/RoleGrantPermission", Decision.Administrator, new AuthRoleGrantPermissionRequest { Name = "nothing", Perm = new Permission { Key = Secret } }),
        ("/etcdserverpb.Auth/RoleRevokePermission", Decision.Administrator, new AuthRoleRevokePermissionRequest { Role = "nothing", Key = Secret }),
        ("/etcdserverpb.Auth/AuthDisable", Decision.Administrator, new AuthDisableRequest()),   // the last one: root may
    ];

    private readonly TemporaryDirectory _directory = new();
    private TestNode? _node;

    private TestNode Node => _node!;   // since InitializeAsync

    public async ValueTask InitializeAsync()
    {
        _node = await TestNode.StartAsync(TestNode.Alone(_directory));
        await AsksAsync("/etcdserverpb.Auth/UserAdd", new AuthUserAddRequest { Name = "root", Password = "rp" });
        await AsksAsync("/etcdserverpb.Auth/UserGrantRole", new AuthUserGrantRoleRequest { User = "root", Role = "root" });
        await AsksAsync("/etcdserverpb.Auth/UserAdd", new AuthUserAddRequest { Name = "bob", Password = "bp" });
        await AsksAsync("/etcdserverpb.Auth/RoleAdd", new AuthRoleAddRequest { Name = "bobs" });
        await AsksAsync("/etcdserverpb.Auth/RoleGrantPermission", Readwrite("bob/", "bob0"));
        await AsksAsync("/etcdserverpb.Auth/UserGrantRole", new AuthUserGrantRoleRequest { User = "bob", Role = "bobs" });
        await AsksAsync("/etcdserverpb.Lease/LeaseGrant", new LeaseGrantRequest { ID = SecretLease, TTL = 600 });
        await AsksAsync("/etcdserverpb.Lease/LeaseGrant", new LeaseGrantRequest { ID = BobsLease, TTL = 600 });
        await AsksAsync("/etcdserverpb.KV/Put", new PutRequest { Key = SecretKey, Lease = SecretLease });
        await AsksAsync("/etcdserverpb.Auth/AuthEnable", new AuthEnableRequest());
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public void Every_method_has_a_decision() =>
        Assert.Equal(Node.Methods.Select(method => method.Path).Order(StringComparer.Ordinal), Table.Select(row => row.Path).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public async Task Every_method_turns_away_whom_the_table_does_not_name()
    {
        string bob = await LoginAsync("bob", "bp"), root = await LoginAsync("root", "rp");
        var wrong = new List<string>();
        foreach ((string path, Decision may, IMessage request) in Table)
        {
            Expect(may == Decision.Everybody ? "" : EtcdErrors.UserEmpty.Message, await AsksAsync(path, request), $"{path} by nobody");
            Expect(may == Decision.Everybody ? "" : EtcdErrors.InvalidAuthToken.Message, await AsksAsync(path, request, "rubbish"), $"{path} with rubbish");
            Expect(may is Decision.Everybody or Decision.AnyUser ? "" : EtcdErrors.PermissionDenied.Message, await AsksAsync(path, request, bob), $"{path} by bob: {request}");
            Expect("", await AsksAsync(path, request, root), $"{path} by root");
        }

        Assert.Empty(wrong);

        void Expect(string expected, string refusal, string what)
        {
            if (refusal != expected) wrong.Add($"{what}: '{refusal}' and not '{expected}'");
        }
    }

    [Fact]
    public async Task Locks_and_elections_are_made_by_who_may_write_their_keys_and_taken_back_when_nobody_may_any_more()
    {
        string bob = await LoginAsync("bob", "bp"), root = await LoginAsync("root", "rp");
        Assert.Equal("", await AsksAsync("/v3lockpb.Lock/Lock", new LockRequest { Name = ByteString.CopyFromUtf8("bob/lock"), Lease = BobsLease }, bob));
        Assert.Equal("", await AsksAsync("/v3electionpb.Election/Campaign", new CampaignRequest { Name = ByteString.CopyFromUtf8("bob/election"), Lease = BobsLease }, bob));
        Assert.Equal("", await AsksAsync("/v3electionpb.Election/Leader", new LeaderRequest { Name = ByteString.CopyFromUtf8("bob/election") }, bob));

        // Who may read and not write gets no place.
        await AsksAsync("/etcdserverpb.Auth/RoleGrantPermission", new AuthRoleGrantPermissionRequest
        {
            Name = "bobs",
            Perm = new Permission { PermType = Permission.Types.Type.Read, Key = ByteString.CopyFromUtf8("seen/"), RangeEnd = ByteString.CopyFromUtf8("seen0") },
        }, root);
        Assert.Equal(EtcdErrors.PermissionDenied.Message, await AsksAsync("/v3lockpb.Lock/Lock", new LockRequest { Name = ByteString.CopyFromUtf8("seen/lock") }, bob));

        // A call that waits, and whose user loses its rights: it ends when there is something to see, and its key goes.
        using var call = new DirectCall(Method("/v3lockpb.Lock/Lock"), bob);
        Task<string> waiting = AsksAsync(call, new LockRequest { Name = ByteString.CopyFromUtf8("bob/lock") });
        await TestNode.EventuallyAsync("it waits", async () => await CountAsync("bob/lock/", "bob/lock0", root) == 2);
        await AsksAsync("/etcdserverpb.Auth/UserRevokeRole", new AuthUserRevokeRoleRequest { Name = "bob", Role = "bobs" }, root);
        await AsksAsync("/etcdserverpb.Lease/LeaseRevoke", new LeaseRevokeRequest { ID = BobsLease }, root);
        Assert.Equal(EtcdErrors.PermissionDenied.Message, await waiting);
        await TestNode.EventuallyAsync("its key is gone", async () => await CountAsync("bob/lock/", "bob/lock0", root) == 0);
    }

    private static AuthRoleGrantPermissionRequest Readwrite(string key, string end) => new()
    {
        Name = "bobs",
        Perm = new Permission { PermType = Permission.Types.Type.Readwrite, Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end) },
    };

    private RpcMethod Method(string path) => Node.Methods.Single(method => method.Path == path);

    private async Task<string> LoginAsync(string name, string password)
    {
        using var call = new DirectCall(Method("/etcdserverpb.Auth/Authenticate"), token: null);
        Assert.Equal("", await AsksAsync(call, new AuthenticateRequest { Name = name, Password = password }));
        return AuthenticateResponse.Parser.ParseFrom(call.Response.WrittenSpan).Token;
    }

    private async Task<long> CountAsync(string key, string end, string token)
    {
        using var call = new DirectCall(Method("/etcdserverpb.KV/Range"), token);
        Assert.Equal("", await AsksAsync(call, new RangeRequest { Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end), CountOnly = true }));
        return RangeResponse.Parser.ParseFrom(call.Response.WrittenSpan).Count;
    }

    private async Task<string> AsksAsync(string path, IMessage request, string? token = null)
    {
        using var call = new DirectCall(Method(path), token);
        return await AsksAsync(call, request);
    }

    /// <returns>Why the caller was turned away; empty when it was not, whatever else came of it.</returns>
    private static async Task<string> AsksAsync(DirectCall call, IMessage request)
    {
        GrpcStatus[] refusals = [EtcdErrors.UserEmpty, EtcdErrors.InvalidAuthToken, EtcdErrors.PermissionDenied, EtcdErrors.AuthOldRevision];
        try
        {
            byte[] body = request.ToByteArray();
            Task served = call.Method.Unary is { } unary ? unary(call, body, call.Response).AsTask() : call.Method.Stream!(call, new DirectStream(call, body)).AsTask();   // one of the two
            await served.WaitAsync(TimeSpan.FromSeconds(70));
        }
        catch (GrpcException refused)
        {
            // What is lacking may come behind it.
            return refusals.Where(r => r.Code == refused.Status.Code && (r.Message == refused.Status.Message || refused.Status.Message.StartsWith(r.Message + "; this takes ", StringComparison.Ordinal)))
                .Select(r => r.Message).FirstOrDefault("");
        }
        catch (TimeoutException)
        {
            return "no end";
        }
        catch (OperationCanceledException)
        {
            // A stream that told us something, and was left then.
        }

        // Of a watch that may not be the client is told on the stream.
        if (call.Method.Name != "Watch" || call.Method.Service != "etcdserverpb.Watch") return "";
        string reason = WatchResponse.Parser.ParseFrom(call.Response.WrittenSpan).CancelReason;
        return refusals.FirstOrDefault(status => reason.EndsWith(status.Message, StringComparison.Ordinal)) is { Message: { } message } ? message : "";
    }

    /// <summary>A call without a wire. Ends with the first answer of a stream.</summary>
    private sealed class DirectCall(RpcMethod method, string? token) : RpcContext, IDisposable
    {
        public CancellationTokenSource End { get; } = new(TimeSpan.FromSeconds(60));

        public ArrayBufferWriter<byte> Response { get; } = new();

        public override RpcMethod Method => method;

        public override CancellationToken Cancellation => End.Token;

        public override GrpcStatus CancellationStatus => EtcdErrors.RequestCanceled;

        public override TimeSpan? Timeout => null;

        public override string Peer => "somewhere";

        public override bool ViaGateway => false;

        public override string? Metadata(string key) => key == "token" ? token : null;

        public void Dispose() => End.Dispose();
    }

    private sealed class DirectStream(DirectCall call, byte[] request) : RpcStream
    {
        private bool _isRead;

        public override ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken = default)
        {
            ReadOnlyMemory<byte>? next = _isRead ? (ReadOnlyMemory<byte>?)null : request;   // without the type, null would be an empty message
            _isRead = true;
            return new(next);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> message, bool moreFollows, CancellationToken cancellationToken = default)
        {
            if (call.Response.WrittenCount == 0) call.Response.Write(message.Span);
            call.End.Cancel();
            return default;
        }
    }
}
