using static Conclave.Conformance.Tests.Comparing.KnownDifference;

namespace Conclave.Conformance.Tests.Comparing;

/// <summary>Auth: mostly what 3.4 let through and later versions closed.</summary>
internal static class OfAuth
{
    public static IReadOnlyList<KnownDifference> All { get; } =
    [
        new("tokens while authentication is off", ["auth-management/a token while it is off: *: 1 Put $", "auth-management/a token while it is off: *: 2 Range $"], Any, Any,
            "A token is ignored while authentication is off; 3.4 refuses one that it does not know", "as 3.5 and later"),
        new("ranges of permissions are checked",
            [
                "auth-management/permission of the empty key: *: 1 RoleGrantPermission $", "auth-management/permission of the empty key: *: 2 RoleGet $.answer.perm", "auth-management/grant to nothing: *: 1 RoleGrantPermission $",
                "auth-management/a range whose end comes before its beginning: *: 1 RoleGrantPermission $", "auth-management/a range whose end comes before its beginning: *: 2 RoleGet $.answer.perm",
                "auth-management/a range whose end is its beginning: *: 1 RoleGrantPermission $", "auth-management/a range whose end is its beginning: *: 2 RoleGet $.answer.perm",
            ],
            Any, Any, "A permission of no key, or of a range that ends before it begins, is refused with `invalid auth management`; 3.4 takes it", "as 3.5 and later"),
        new("prev_kv in a transaction needs reading", ["auth/a transaction that writes with prev_kv: *: 2 writer $", "auth/a transaction that writes with prev_kv: *: 3 both $.answer", "auth/a transaction that writes with prev_kv: *: 6 Range $.answer"],
            Any, Any, "A put with prev_kv inside a transaction needs the permission to read too; 3.4 shows the former value without", "as a put outside of one"),
        new("nested transactions are checked",
            ["auth/a nested transaction that writes another key: *", "auth/a nested transaction that reads: *: 2 writer $", "auth/a nested transaction that reads: *: 4 none $", "auth/a nested transaction that reads: *: 5 nobody $"],
            Any, Any, "Nested transactions need the permissions of their operations; 3.4 checks none of them, so anybody can read and write everything", "a permission must not depend on nesting"),
        new("leases in a transaction are checked", ["auth/a transaction with a lease of foreign keys: *: 1 Txn $"], Any, Any, "A put with a lease needs the permission to write all keys of that lease, inside a transaction too; 3.4 does not look there", "as a put outside of one"),
        new("keys of a lease are read", ["auth/time to live with keys: *: 1 with keys as none $", "auth/time to live with keys: *: 3 with keys as writer $", "auth/time to live with keys: *: 7 with keys as nobody $"], Any, Any,
            "LeaseTimeToLive with keys needs the permission to read them; 3.4 shows them to anybody", "as a range"),
        new("who is nobody", ["auth/an empty transaction: *: 5 nobody $", "auth/grant a lease: *: 3 LeaseGrant as nobody $", "auth/administration: MemberList: *: 2 nobody $", "auth/administration: MemberList: *: 3 a token that is none $",
                "auth/administration: Status: *: 2 nobody $", "auth/administration: Status: *: 3 a token that is none $", "auth/administration: LeaseLeases: *: 2 nobody $", "auth/administration: LeaseLeases: *: 3 a token that is none $",
                "auth/administration: Alarm GET: *: 2 nobody $", "auth/administration: Alarm GET: *: 3 a token that is none $"],
            Any, Any, "Every call but Authenticate needs a user: also an empty transaction, LeaseGrant, LeaseLeases, MemberList, Status and Alarm GET; 3.4 answers these to anybody", "as 3.5.28, 3.6.9 and later"),
        new("leases of other users", ["auth/administration: LeaseLeases: *: 1 none $"], Any, Any, "LeaseLeases needs the permission to read the keys of the leases; 3.4 lists them to anybody", "as 3.5.28, 3.6.9 and later"),
        new("administration is for root",
            ["auth/administration: Alarm ACTIVATE: *: 1 none $", "auth/administration: Alarm ACTIVATE: *: 2 nobody $", "auth/administration: Alarm ACTIVATE: *: 3 a token that is none $", "auth/administration: MoveLeader: *: 1 none $",
                "auth/administration: MoveLeader: *: 2 nobody $", "auth/administration: MoveLeader: *: 3 a token that is none $", "auth/administration: Compact: *: 1 none $", "auth/administration: Compact: *: 2 nobody $"],
            Any, Any, "Compact, MoveLeader and changes of alarms need role root; 3.4 does them for anybody", "as 3.5.28, 3.6.9 and later"),
        new("codes of refused maintenance", ["auth/administration: Defragment: *", "auth/administration: Hash: *", "auth/administration: HashKV: *", "auth/snapshot: *"], Any, Any,
            "Refused maintenance calls have the texts and codes of all others; 3.4 says Unknown (2) with `auth: ...`", "as everywhere else"),
        new("status for a user", ["auth/administration: Status: *: 1 none $.answer", "auth/administration: Alarm GET: *: 1 none $.answer"], Any, Any, "Status and Alarm have the fields of 3.6 for users too", "as 3.6"),
        new("watch onwards", ["auth/watch onwards: *: 1 reader $[0]"], Any, Any, "A watch from a key onwards needs a permission that is open too; 3.4 lets anybody watch everything after a key that may be read", "as a range"),
        new("an empty token", ["auth/an empty token: grpc: 1 Range $"], Any, Any, "An empty token is none, so the user name is empty; 3.4 says that it is invalid", "clients log in again on both"),
        new("a stale token while logging in", ["auth/a changed password ends the tokens: *: 5 the new password $"], Any, Any, "Authenticate does not look at a token that is sent with it; 3.4 refuses an old one, so a client that keeps sending it can never log in", "logging in is how to get rid of it"),
    ];
}
