namespace Conclave.Client.Rpc;

/// <summary>Paths of etcd's methods.</summary>
public static class Methods
{
    public const string Range = "/etcdserverpb.KV/Range";
    public const string Put = "/etcdserverpb.KV/Put";
    public const string DeleteRange = "/etcdserverpb.KV/DeleteRange";
    public const string Txn = "/etcdserverpb.KV/Txn";
    public const string Compact = "/etcdserverpb.KV/Compact";
    public const string Watch = "/etcdserverpb.Watch/Watch";
    public const string LeaseGrant = "/etcdserverpb.Lease/LeaseGrant";
    public const string LeaseRevoke = "/etcdserverpb.Lease/LeaseRevoke";
    public const string LeaseKeepAlive = "/etcdserverpb.Lease/LeaseKeepAlive";
    public const string LeaseTimeToLive = "/etcdserverpb.Lease/LeaseTimeToLive";
    public const string LeaseLeases = "/etcdserverpb.Lease/LeaseLeases";
    public const string MemberList = "/etcdserverpb.Cluster/MemberList";
    public const string MemberAdd = "/etcdserverpb.Cluster/MemberAdd";
    public const string MemberRemove = "/etcdserverpb.Cluster/MemberRemove";
    public const string MemberUpdate = "/etcdserverpb.Cluster/MemberUpdate";
    public const string MemberPromote = "/etcdserverpb.Cluster/MemberPromote";
    public const string Status = "/etcdserverpb.Maintenance/Status";
    public const string Alarm = "/etcdserverpb.Maintenance/Alarm";
    public const string Defragment = "/etcdserverpb.Maintenance/Defragment";
    public const string Hash = "/etcdserverpb.Maintenance/Hash";
    public const string HashKv = "/etcdserverpb.Maintenance/HashKV";
    public const string Snapshot = "/etcdserverpb.Maintenance/Snapshot";
    public const string MoveLeader = "/etcdserverpb.Maintenance/MoveLeader";
    public const string AuthEnable = "/etcdserverpb.Auth/AuthEnable";
    public const string AuthDisable = "/etcdserverpb.Auth/AuthDisable";
    public const string AuthStatus = "/etcdserverpb.Auth/AuthStatus";
    public const string Authenticate = "/etcdserverpb.Auth/Authenticate";
    public const string UserAdd = "/etcdserverpb.Auth/UserAdd";
    public const string UserGet = "/etcdserverpb.Auth/UserGet";
    public const string UserList = "/etcdserverpb.Auth/UserList";
    public const string UserDelete = "/etcdserverpb.Auth/UserDelete";
    public const string UserChangePassword = "/etcdserverpb.Auth/UserChangePassword";
    public const string UserGrantRole = "/etcdserverpb.Auth/UserGrantRole";
    public const string UserRevokeRole = "/etcdserverpb.Auth/UserRevokeRole";
    public const string RoleAdd = "/etcdserverpb.Auth/RoleAdd";
    public const string RoleGet = "/etcdserverpb.Auth/RoleGet";
    public const string RoleList = "/etcdserverpb.Auth/RoleList";
    public const string RoleDelete = "/etcdserverpb.Auth/RoleDelete";
    public const string RoleGrantPermission = "/etcdserverpb.Auth/RoleGrantPermission";
    public const string RoleRevokePermission = "/etcdserverpb.Auth/RoleRevokePermission";
}
