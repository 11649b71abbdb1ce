using Conclave.Store;
using Conclave.Wire.Etcd.Authpb;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using Compare = Conclave.Wire.Etcd.Etcdserverpb.Compare;

namespace Conclave.Fuzz.Targets;

/// <summary>Requests and commands as nodes write them.</summary>
internal static class StoreSamples
{
    public static readonly ByteString A = ByteString.CopyFromUtf8("a"), B = ByteString.CopyFromUtf8("b"), C = ByteString.CopyFromUtf8("c/1"), Open = ByteString.CopyFrom(0);

    public static readonly PutRequest[] Puts =
    [
        new() { Key = A, Value = B }, new() { Key = B, Value = A, Lease = 7, PrevKv = true }, new() { Key = C, IgnoreValue = true }, new() { Key = A, Value = C, IgnoreLease = true }, new() { Value = A },
    ];

    public static readonly DeleteRangeRequest[] Deletes = [new() { Key = A }, new() { Key = A, RangeEnd = C, PrevKv = true }, new() { Key = B, RangeEnd = Open }];

    public static readonly RangeRequest[] Ranges =
    [
        new() { Key = A }, new() { Key = A, RangeEnd = Open, Limit = 2, SortOrder = RangeRequest.Types.SortOrder.Descend, SortTarget = RangeRequest.Types.SortTarget.Mod },
        new() { Key = Open, RangeEnd = Open, Revision = 3, Serializable = true, KeysOnly = true }, new() { Key = B, RangeEnd = C, CountOnly = true, MinModRevision = 2, MaxCreateRevision = 9 },
    ];

    public static readonly TxnRequest[] Txns =
    [
        new()
        {
            Compare = { new Compare { Key = A, Target = Compare.Types.CompareTarget.Version, Version = 1 }, new Compare { Key = B, RangeEnd = C, Target = Compare.Types.CompareTarget.Value, Value = A, Result = Compare.Types.CompareResult.Less } },
            Success = { new RequestOp { RequestPut = Puts[0] }, new RequestOp { RequestRange = Ranges[1] } },
            Failure = { new RequestOp { RequestDeleteRange = Deletes[1] } },
        },
        new() { Success = { new RequestOp { RequestTxn = new TxnRequest { Success = { new RequestOp { RequestPut = Puts[1] } } } }, new RequestOp { RequestDeleteRange = Deletes[0] } } },
        Nested(40),
    ];

    public static readonly WatchRequest[] Watches =
    [
        new() { CreateRequest = new WatchCreateRequest { Key = A, RangeEnd = C, PrevKv = true, Fragment = true } },
        new() { CreateRequest = new WatchCreateRequest { Key = Open, RangeEnd = Open, StartRevision = 1, WatchId = 5, ProgressNotify = true, Filters = { WatchCreateRequest.Types.FilterType.Noput } } },
        new() { CancelRequest = new WatchCancelRequest { WatchId = 5 } }, new() { ProgressRequest = new WatchProgressRequest() },
    ];

    public static readonly string Hash = "$pbkdf2-sha512$210000$" + Convert.ToBase64String(new byte[16]) + "$" + Convert.ToBase64String(new byte[32]);

    /// <summary>Commands of every kind, that build on each other.</summary>
    public static byte[][] Commands()
    {
        CommandIdentity root = CommandIdentity.Of("root", 7);
        return
        [
            Encode(CommandKind.LeaseGrant, CommandBody.LeaseGrant(7, 60, 99)),
            .. Puts.Select(put => Encode(CommandKind.Put, put.ToByteArray())),
            Encode(CommandKind.Put, Puts[0].ToByteArray(), new SessionSequence(7, 1)),
            Encode(CommandKind.Put, Puts[0].ToByteArray(), new SessionSequence(7, 1)),
            .. Txns.Select(txn => Encode(CommandKind.Txn, txn.ToByteArray())),
            .. Deletes.Select(delete => Encode(CommandKind.DeleteRange, delete.ToByteArray())),
            Encode(CommandKind.Compact, CommandBody.Compact(3)),
            Encode(CommandKind.MemberAttributes, CommandBody.MemberAttributes(1, [1, 2, 3])),
            Encode(CommandKind.StateMark, CommandBody.StateMark(1, [new MarkedMember(1, true, 5), new MarkedMember(2, true, 4), new MarkedMember(3, false, 1)])),
            Encode(CommandKind.StateReport, CommandBody.StateReport(16, 1, 77)), Encode(CommandKind.StateReport, CommandBody.StateReport(16, 2, 78)),
            Encode(CommandKind.Alarm, CommandBody.Alarm(true, 2, AlarmKind.NoSpace)), Encode(CommandKind.Put, Puts[0].ToByteArray()), Encode(CommandKind.Alarm, CommandBody.Alarm(false, 2, AlarmKind.NoSpace)),
            Encode(CommandKind.RoleAdd, new AuthRoleAddRequest { Name = "root" }.ToByteArray()), Encode(CommandKind.RoleAdd, new AuthRoleAddRequest { Name = "r" }.ToByteArray()),
            Encode(CommandKind.RoleGrantPermission, new AuthRoleGrantPermissionRequest { Name = "r", Perm = new Permission { PermType = Permission.Types.Type.Readwrite, Key = A, RangeEnd = C } }.ToByteArray()),
            Encode(CommandKind.UserAdd, new AuthUserAddRequest { Name = "root", HashedPassword = Hash }.ToByteArray()), Encode(CommandKind.UserAdd, new AuthUserAddRequest { Name = "u", Options = new UserAddOptions { NoPassword = true } }.ToByteArray()),
            Encode(CommandKind.UserGrantRole, new AuthUserGrantRoleRequest { User = "root", Role = "root" }.ToByteArray()), Encode(CommandKind.UserGrantRole, new AuthUserGrantRoleRequest { User = "u", Role = "r" }.ToByteArray()),
            Encode(CommandKind.AuthEnable, CommandBody.AuthEnable(new byte[32])),
            Encode(CommandKind.Put, Puts[0].ToByteArray(), identity: root), Encode(CommandKind.Put, Puts[0].ToByteArray(), new SessionSequence(7, 2), root), Encode(CommandKind.Compact, CommandBody.Compact(4), identity: CommandIdentity.Member),
            Encode(CommandKind.UserChangePassword, new AuthUserChangePasswordRequest { Name = "root", HashedPassword = Hash }.ToByteArray(), identity: root),
            Encode(CommandKind.RoleRevokePermission, new AuthRoleRevokePermissionRequest { Role = "r", Key = A, RangeEnd = C }.ToByteArray(), identity: root),
            Encode(CommandKind.UserRevokeRole, new AuthUserRevokeRoleRequest { Name = "u", Role = "r" }.ToByteArray(), identity: root), Encode(CommandKind.RoleDelete, new AuthRoleDeleteRequest { Role = "r" }.ToByteArray(), identity: root),
            Encode(CommandKind.UserDelete, new AuthUserDeleteRequest { Name = "u" }.ToByteArray(), identity: root), Encode(CommandKind.AuthDisable, [], identity: root),
            Encode(CommandKind.LeaseRevoke, CommandBody.LeaseRevoke(7, 99)),
        ];
    }

    private static byte[] Encode(CommandKind kind, byte[] body, SessionSequence session = default, CommandIdentity identity = default) => Command.Encode(kind, 1, 2, body, session, identity);

    private static TxnRequest Nested(int levels) =>
        levels == 0 ? new TxnRequest() : new TxnRequest { Failure = { new RequestOp { RequestTxn = Nested(levels - 1) } } };
}
