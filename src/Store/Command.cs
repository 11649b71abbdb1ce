using System.Buffers.Binary;
using System.Text;

namespace Conclave.Store;

/// <summary>What a log entry asks of the state machine. The numbers are in every log on disk and never change.</summary>
public enum CommandKind : byte
{
    Put = 1,
    DeleteRange = 2,
    Txn = 3,
    Compact = 4,
    LeaseGrant = 5,
    LeaseRevoke = 6,
    Alarm = 7,
    MemberAttributes = 8,

    /// <summary>The leader fixes a point of the log at which all members hash their state.</summary>
    StateMark = 9,

    /// <summary>A member's hash at a mark.</summary>
    StateReport = 10,

    /// <summary>The body holds the new key that signs tokens, where etcd's request is empty.</summary>
    AuthEnable = 11,
    AuthDisable = 12,

    /// <summary>The password is left out, and what the key derivation made of it stands in its place. So it does in <see cref="UserChangePassword"/>.</summary>
    UserAdd = 13,
    UserDelete = 14,
    UserChangePassword = 15,
    UserGrantRole = 16,
    UserRevokeRole = 17,
    RoleAdd = 18,
    RoleDelete = 19,
    RoleGrantPermission = 20,
    RoleRevokePermission = 21,

    /// <summary>
    /// A TxnRequest that the server itself makes. It may write the reserved keys, as nothing else may, and is not bound by the number of
    /// operations that clients' transactions are.
    /// </summary>
    ServerTxn = 64,
}

/// <summary>One command as it stands in a log entry: who sent it and the request message as it came from the client.</summary>
/// <remarks>
/// <code>
/// | format u8 = 1 | kind u8 | reserved u16 = 0 | origin u64 | request id u64 | body ... |                        little-endian
/// | format u8 = 2 | kind u8 | reserved u16 = 0 | origin u64 | request id u64 | session i64 | sequence u64 | body ... |
/// | format u8 = 3 | kind u8 | user bytes u16   | origin u64 | request id u64 | session i64 | sequence u64 | auth revision u64 | user | body ... |
/// </code>
/// Format 2 is for commands of a session, and only for those, so that a log without sessions stays readable for versions
/// that know none. Format 3 is for commands of which it is known who sends them, in a session or not (0 and 0): a log without auth has
/// none. No bytes of a user name stand for the member itself. The body is etcd's request message (a lease grant with its final id and
/// clamped TTL), except for the kinds whose bodies <see cref="CommandBody"/> draws.
/// </remarks>
public readonly struct Command
{
    /// <summary>Bytes before the body of a command without a session.</summary>
    public const int HeaderBytes = 20;

    /// <summary>Bytes before the body of a command of a session.</summary>
    public const int SessionHeaderBytes = 36;

    /// <summary>Bytes before the name of the user, which stands before the body.</summary>
    public const int IdentityHeaderBytes = 44;

    /// <summary>Bytes of the longest user name that can send a command.</summary>
    public const int UserBytesMax = ushort.MaxValue;

    /// <summary>Most bytes that stand before a body, whoever sends it: a request that its client may send always has room in the log.</summary>
    public const int EnvelopeBytesMax = IdentityHeaderBytes + UserBytesMax;

    private const byte Format = 1, SessionFormat = 2, IdentityFormat = 3;

    public Command(CommandKind kind, ulong origin, ulong requestId, ReadOnlyMemory<byte> body, SessionSequence session = default, CommandIdentity identity = default)
    {
        Kind = kind;
        Origin = origin;
        RequestId = requestId;
        Body = body;
        Session = session;
        Identity = identity;
    }

    public CommandKind Kind { get; }

    /// <summary>Id of the node whose client waits for the answer; 0 for nobody.</summary>
    public ulong Origin { get; }

    /// <summary>Chosen by the origin; pairs the outcome with the waiting call.</summary>
    public ulong RequestId { get; }

    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The session the command belongs to, and its number there; default for none.</summary>
    public SessionSequence Session { get; }

    /// <summary>Who sent it; default when nobody was asked, because auth was off where it was proposed.</summary>
    public CommandIdentity Identity { get; }

    /// <summary>Splits a log payload. The body is a slice of <paramref name="payload"/>, not a copy.</summary>
    /// <returns>False when the payload is too short, of another format, or of a kind this version does not know.</returns>
    public static bool TryDecode(ReadOnlyMemory<byte> payload, out Command command)
    {
        ReadOnlySpan<byte> bytes = payload.Span;
        command = default;
        if (bytes.Length < HeaderBytes || bytes[0] is < Format or > IdentityFormat)
            return false;
        var kind = (CommandKind)bytes[1];
        int userBytes = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
        if (kind is not ((>= CommandKind.Put and <= CommandKind.RoleRevokePermission) or CommandKind.ServerTxn) || (userBytes != 0 && bytes[0] != IdentityFormat))
            return false;
        SessionSequence session = default;
        CommandIdentity identity = default;
        int header = bytes[0] switch { Format => HeaderBytes, SessionFormat => SessionHeaderBytes, _ => IdentityHeaderBytes + userBytes };
        if (bytes.Length < header)
            return false;
        if (bytes[0] != Format)
        {
            session = new SessionSequence(BinaryPrimitives.ReadInt64LittleEndian(bytes[20..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[28..]));
            if (session.IsNone && (bytes[0] == SessionFormat || session.Sequence != 0))
                return false;
        }

        if (bytes[0] == IdentityFormat && !TryReadIdentity(bytes[36..header], out identity))
            return false;
        command = new Command(kind, BinaryPrimitives.ReadUInt64LittleEndian(bytes[4..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[12..]), payload[header..], session, identity);
        return true;
    }

    /// <summary>Builds a log payload.</summary>
    /// <exception cref="ArgumentException">The name of the user is longer than <see cref="UserBytesMax"/>.</exception>
    public static byte[] Encode(CommandKind kind, ulong origin, ulong requestId, ReadOnlySpan<byte> body, SessionSequence session = default, in CommandIdentity identity = default)
    {
        if (!identity.IsNone)
            return EncodeIdentified(kind, origin, requestId, body, session, identity);
        int header = session.IsNone ? HeaderBytes : SessionHeaderBytes;
        byte[] payload = new byte[header + body.Length];
        WriteHeader(payload, kind, origin, requestId);
        if (!session.IsNone)
        {
            payload[0] = SessionFormat;
            WriteSession(payload, session);
        }

        body.CopyTo(payload.AsSpan(header));
        return payload;
    }

    private static byte[] EncodeIdentified(CommandKind kind, ulong origin, ulong requestId, ReadOnlySpan<byte> body, SessionSequence session, in CommandIdentity identity)
    {
        string user = identity.User!;   // not null: somebody is named
        int userBytes = Encoding.UTF8.GetByteCount(user);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(userBytes, UserBytesMax);
        byte[] payload = new byte[IdentityHeaderBytes + userBytes + body.Length];
        WriteHeader(payload, kind, origin, requestId);
        payload[0] = IdentityFormat;
        BinaryPrimitives.WriteUInt16LittleEndian(payload.AsSpan(2), (ushort)userBytes);
        WriteSession(payload, session);
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(36), identity.AuthRevision);
        Encoding.UTF8.GetBytes(user, payload.AsSpan(IdentityHeaderBytes));
        body.CopyTo(payload.AsSpan(IdentityHeaderBytes + userBytes));
        return payload;
    }

    private static bool TryReadIdentity(ReadOnlySpan<byte> bytes, out CommandIdentity identity)
    {
        ulong revision = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        identity = CommandIdentity.Member;
        if (bytes.Length == sizeof(ulong))
            return revision == 0;
        if (revision == 0 || !AuthNames.TryRead(bytes[sizeof(ulong)..], out string user))
            return false;
        identity = CommandIdentity.Of(user, revision);
        return true;
    }

    private static void WriteSession(Span<byte> payload, SessionSequence session)
    {
        BinaryPrimitives.WriteInt64LittleEndian(payload[20..], session.Id);
        BinaryPrimitives.WriteUInt64LittleEndian(payload[28..], session.Sequence);
    }

    /// <summary>Writes the first <see cref="HeaderBytes"/> of a payload without a session, whose body is put behind it by the caller.</summary>
    public static void WriteHeader(Span<byte> destination, CommandKind kind, ulong origin, ulong requestId)
    {
        destination[0] = Format;
        destination[1] = (byte)kind;
        destination[2] = destination[3] = 0;
        BinaryPrimitives.WriteUInt64LittleEndian(destination[4..], origin);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[12..], requestId);
    }
}
