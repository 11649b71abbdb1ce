using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.V3Electionpb;
using Conclave.Wire.Etcd.V3Lockpb;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Conformance.Tests.Suite;

/// <summary>One method of etcd: where it is called over gRPC and over JSON, and what goes in and out.</summary>
/// <param name="Service">With its package.</param>
/// <param name="Name">Of the method.</param>
/// <param name="JsonPath">Null for a method with gRPC alone.</param>
/// <param name="Request">What goes in.</param>
/// <param name="Response">What comes out.</param>
internal sealed record Rpc(string Service, string Name, string? JsonPath, MessageDescriptor Request, MessageDescriptor Response)
{
    private const string Kv = "etcdserverpb.KV", Lease = "etcdserverpb.Lease", Cluster = "etcdserverpb.Cluster", Maintenance = "etcdserverpb.Maintenance", Auth = "etcdserverpb.Auth",
        Lock = "v3lockpb.Lock", Election = "v3electionpb.Election";

    private static readonly Rpc[] All =
    [
        new(Kv, "Range", "/v3/kv/range", RangeRequest.Descriptor, RangeResponse.Descriptor),
        new(Kv, "Put", "/v3/kv/put", PutRequest.Descriptor, PutResponse.Descriptor),
        new(Kv, "DeleteRange", "/v3/kv/deleterange", DeleteRangeRequest.Descriptor, DeleteRangeResponse.Descriptor),
        new(Kv, "Txn", "/v3/kv/txn", TxnRequest.Descriptor, TxnResponse.Descriptor),
        new(Kv, "Compact", "/v3/kv/compaction", CompactionRequest.Descriptor, CompactionResponse.Descriptor),
        new("etcdserverpb.Watch", "Watch", "/v3/watch", WatchRequest.Descriptor, WatchResponse.Descriptor),
        new(Lease, "LeaseGrant", "/v3/lease/grant", LeaseGrantRequest.Descriptor, LeaseGrantResponse.Descriptor),
        new(Lease, "LeaseRevoke", "/v3/lease/revoke", LeaseRevokeRequest.Descriptor, LeaseRevokeResponse.Descriptor),
        new(Lease, "LeaseKeepAlive", "/v3/lease/keepalive", LeaseKeepAliveRequest.Descriptor, LeaseKeepAliveResponse.Descriptor),
        new(Lease, "LeaseTimeToLive", "/v3/lease/timetolive", LeaseTimeToLiveRequest.Descriptor, LeaseTimeToLiveResponse.Descriptor),
        new(Lease, "LeaseLeases", "/v3/lease/leases", LeaseLeasesRequest.Descriptor, LeaseLeasesResponse.Descriptor),
        new(Cluster, "MemberAdd", "/v3/cluster/member/add", MemberAddRequest.Descriptor, MemberAddResponse.Descriptor),
        new(Cluster, "MemberRemove", "/v3/cluster/member/remove", MemberRemoveRequest.Descriptor, MemberRemoveResponse.Descriptor),
        new(Cluster, "MemberUpdate", "/v3/cluster/member/update", MemberUpdateRequest.Descriptor, MemberUpdateResponse.Descriptor),
        new(Cluster, "MemberList", "/v3/cluster/member/list", MemberListRequest.Descriptor, MemberListResponse.Descriptor),
        new(Cluster, "MemberPromote", "/v3/cluster/member/promote", MemberPromoteRequest.Descriptor, MemberPromoteResponse.Descriptor),
        new(Maintenance, "Alarm", "/v3/maintenance/alarm", AlarmRequest.Descriptor, AlarmResponse.Descriptor),
        new(Maintenance, "Status", "/v3/maintenance/status", StatusRequest.Descriptor, StatusResponse.Descriptor),
        new(Maintenance, "Defragment", "/v3/maintenance/defragment", DefragmentRequest.Descriptor, DefragmentResponse.Descriptor),
        new(Maintenance, "Hash", "/v3/maintenance/hash", HashRequest.Descriptor, HashResponse.Descriptor),
        new(Maintenance, "HashKV", null, HashKVRequest.Descriptor, HashKVResponse.Descriptor),   // 3.4 has bound the path of Hash to it as well
        new(Maintenance, "Snapshot", "/v3/maintenance/snapshot", SnapshotRequest.Descriptor, SnapshotResponse.Descriptor),
        new(Maintenance, "MoveLeader", "/v3/maintenance/transfer-leadership", MoveLeaderRequest.Descriptor, MoveLeaderResponse.Descriptor),
        new(Auth, "AuthEnable", "/v3/auth/enable", AuthEnableRequest.Descriptor, AuthEnableResponse.Descriptor),
        new(Auth, "AuthDisable", "/v3/auth/disable", AuthDisableRequest.Descriptor, AuthDisableResponse.Descriptor),
        new(Auth, "Authenticate", "/v3/auth/authenticate", AuthenticateRequest.Descriptor, AuthenticateResponse.Descriptor),
        new(Auth, "UserAdd", "/v3/auth/user/add", AuthUserAddRequest.Descriptor, AuthUserAddResponse.Descriptor),
        new(Auth, "UserGet", "/v3/auth/user/get", AuthUserGetRequest.Descriptor, AuthUserGetResponse.Descriptor),
        new(Auth, "UserList", "/v3/auth/user/list", AuthUserListRequest.Descriptor, AuthUserListResponse.Descriptor),
        new(Auth, "UserDelete", "/v3/auth/user/delete", AuthUserDeleteRequest.Descriptor, AuthUserDeleteResponse.Descriptor),
        new(Auth, "UserChangePassword", "/v3/auth/user/changepw", AuthUserChangePasswordRequest.Descriptor, AuthUserChangePasswordResponse.Descriptor),
        new(Auth, "UserGrantRole", "/v3/auth/user/grant", AuthUserGrantRoleRequest.Descriptor, AuthUserGrantRoleResponse.Descriptor),
        new(Auth, "UserRevokeRole", "/v3/auth/user/revoke", AuthUserRevokeRoleRequest.Descriptor, AuthUserRevokeRoleResponse.Descriptor),
        new(Auth, "RoleAdd", "/v3/auth/role/add", AuthRoleAddRequest.Descriptor, AuthRoleAddResponse.Descriptor),
        new(Auth, "RoleGet", "/v3/auth/role/get", AuthRoleGetRequest.Descriptor, AuthRoleGetResponse.Descriptor),
        new(Auth, "RoleList", "/v3/auth/role/list", AuthRoleListRequest.Descriptor, AuthRoleListResponse.Descriptor),
        new(Auth, "RoleDelete", "/v3/auth/role/delete", AuthRoleDeleteRequest.Descriptor, AuthRoleDeleteResponse.Descriptor),
        new(Auth, "RoleGrantPermission", "/v3/auth/role/grant", AuthRoleGrantPermissionRequest.Descriptor, AuthRoleGrantPermissionResponse.Descriptor),
        new(Auth, "RoleRevokePermission", "/v3/auth/role/revoke", AuthRoleRevokePermissionRequest.Descriptor, AuthRoleRevokePermissionResponse.Descriptor),
        new(Lock, "Lock", "/v3/lock/lock", LockRequest.Descriptor, LockResponse.Descriptor),
        new(Lock, "Unlock", "/v3/lock/unlock", UnlockRequest.Descriptor, UnlockResponse.Descriptor),
        new(Election, "Campaign", "/v3/election/campaign", CampaignRequest.Descriptor, CampaignResponse.Descriptor),
        new(Election, "Proclaim", "/v3/election/proclaim", ProclaimRequest.Descriptor, ProclaimResponse.Descriptor),
        new(Election, "Leader", "/v3/election/leader", LeaderRequest.Descriptor, LeaderResponse.Descriptor),
        new(Election, "Observe", "/v3/election/observe", LeaderRequest.Descriptor, LeaderResponse.Descriptor),
        new(Election, "Resign", "/v3/election/resign", ResignRequest.Descriptor, ResignResponse.Descriptor),
    ];

    public string GrpcPath => $"/{Service}/{Name}";

    public static Rpc Named(string name) => All.Single(rpc => rpc.Name == name);

    /// <summary>The method that takes such a request; of the two that take a LeaderRequest, Leader.</summary>
    public static Rpc Of(IMessage request) => All.First(rpc => rpc.Request == request.Descriptor);
}
