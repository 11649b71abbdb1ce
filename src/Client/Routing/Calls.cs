using Conclave.Client.Rpc;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Client.Routing;

/// <summary>A unary method: its path, and how its answer is read.</summary>
internal sealed record Call<T>(string Method, MessageParser<T> Parser)
    where T : IMessage<T>;

/// <summary>The unary methods this client calls.</summary>
internal static class Calls
{
    public static readonly Call<RangeResponse> Range = new(Methods.Range, RangeResponse.Parser);
    public static readonly Call<PutResponse> Put = new(Methods.Put, PutResponse.Parser);
    public static readonly Call<DeleteRangeResponse> DeleteRange = new(Methods.DeleteRange, DeleteRangeResponse.Parser);
    public static readonly Call<TxnResponse> Txn = new(Methods.Txn, TxnResponse.Parser);
    public static readonly Call<CompactionResponse> Compact = new(Methods.Compact, CompactionResponse.Parser);
    public static readonly Call<LeaseGrantResponse> LeaseGrant = new(Methods.LeaseGrant, LeaseGrantResponse.Parser);
    public static readonly Call<LeaseRevokeResponse> LeaseRevoke = new(Methods.LeaseRevoke, LeaseRevokeResponse.Parser);
    public static readonly Call<LeaseTimeToLiveResponse> LeaseTimeToLive = new(Methods.LeaseTimeToLive, LeaseTimeToLiveResponse.Parser);
    public static readonly Call<LeaseLeasesResponse> LeaseLeases = new(Methods.LeaseLeases, LeaseLeasesResponse.Parser);
    public static readonly Call<MemberListResponse> MemberList = new(Methods.MemberList, MemberListResponse.Parser);
    public static readonly Call<MemberAddResponse> MemberAdd = new(Methods.MemberAdd, MemberAddResponse.Parser);
    public static readonly Call<MemberRemoveResponse> MemberRemove = new(Methods.MemberRemove, MemberRemoveResponse.Parser);
    public static readonly Call<MemberUpdateResponse> MemberUpdate = new(Methods.MemberUpdate, MemberUpdateResponse.Parser);
    public static readonly Call<MemberPromoteResponse> MemberPromote = new(Methods.MemberPromote, MemberPromoteResponse.Parser);
    public static readonly Call<StatusResponse> Status = new(Methods.Status, StatusResponse.Parser);
    public static readonly Call<AlarmResponse> Alarm = new(Methods.Alarm, AlarmResponse.Parser);
    public static readonly Call<DefragmentResponse> Defragment = new(Methods.Defragment, DefragmentResponse.Parser);
    public static readonly Call<HashResponse> Hash = new(Methods.Hash, HashResponse.Parser);
    public static readonly Call<HashKVResponse> HashKv = new(Methods.HashKv, HashKVResponse.Parser);
    public static readonly Call<AuthEnableResponse> AuthEnable = new(Methods.AuthEnable, AuthEnableResponse.Parser);
    public static readonly Call<AuthDisableResponse> AuthDisable = new(Methods.AuthDisable, AuthDisableResponse.Parser);
    public static readonly Call<AuthStatusResponse> AuthStatus = new(Methods.AuthStatus, AuthStatusResponse.Parser);
    public static readonly Call<AuthenticateResponse> Authenticate = new(Methods.Authenticate, AuthenticateResponse.Parser);
    public static readonly Call<AuthUserAddResponse> UserAdd = new(Methods.UserAdd, AuthUserAddResponse.Parser);
    public static readonly Call<AuthUserGetResponse> UserGet = new(Methods.UserGet, AuthUserGetResponse.Parser);
    public static readonly Call<AuthUserListResponse> UserList = new(Methods.UserList, AuthUserListResponse.Parser);
    public static readonly Call<AuthUserDeleteResponse> UserDelete = new(Methods.UserDelete, AuthUserDeleteResponse.Parser);
    public static readonly Call<AuthUserChangePasswordResponse> UserChangePassword = new(Methods.UserChangePassword, AuthUserChangePasswordResponse.Parser);
    public static readonly Call<AuthUserGrantRoleResponse> UserGrantRole = new(Methods.UserGrantRole, AuthUserGrantRoleResponse.Parser);
    public static readonly Call<AuthUserRevokeRoleResponse> UserRevokeRole = new(Methods.UserRevokeRole, AuthUserRevokeRoleResponse.Parser);
    public static readonly Call<AuthRoleAddResponse> RoleAdd = new(Methods.RoleAdd, AuthRoleAddResponse.Parser);
    public static readonly Call<AuthRoleGetResponse> RoleGet = new(Methods.RoleGet, AuthRoleGetResponse.Parser);
    public static readonly Call<AuthRoleListResponse> RoleList = new(Methods.RoleList, AuthRoleListResponse.Parser);
    public static readonly Call<AuthRoleDeleteResponse> RoleDelete = new(Methods.RoleDelete, AuthRoleDeleteResponse.Parser);
    public static readonly Call<AuthRoleGrantPermissionResponse> RoleGrantPermission = new(Methods.RoleGrantPermission, AuthRoleGrantPermissionResponse.Parser);
    public static readonly Call<AuthRoleRevokePermissionResponse> RoleRevokePermission = new(Methods.RoleRevokePermission, AuthRoleRevokePermissionResponse.Parser);
    public static readonly Call<MoveLeaderResponse> MoveLeader = new(Methods.MoveLeader, MoveLeaderResponse.Parser);
}
