using System.Buffers.Binary;

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
}

/// <summary>One command as it stands in a log entry: who sent it and the request message as it came from the client.</summary>
/// <remarks>
/// <code>
/// | format u8 = 1 | kind u8 | reserved u16 = 0 | origin u64 | request id u64 | body ... |                        little-endian
/// | format u8 = 2 | kind u8 | reserved u16 = 0 | origin u64 | request id u64 | session i64 | sequence u64 | body ... |
/// </code>
/// Format 2 is for commands of a session, and only for those, so that a log without sessions stays readable for versions
/// that know none. The body is etcd's request message (a lease grant with its final id and clamped TTL), except for the
/// kinds from <see cref="CommandKind.MemberAttributes"/> on, whose bodies <see cref="CommandBody"/> draws.
/// </remarks>
public readonly struct Command
{
    /// <summary>Bytes before the body of a command without a session.</summary>
    public const int HeaderBytes = 20;

    /// <summary>Bytes before the body of a command of a session.</summary>
    public const int SessionHeaderBytes = 36;

    private const byte Format = 1, SessionFormat = 2;

    public Command(CommandKind kind, ulong origin, ulong requestId, ReadOnlyMemory<byte> body, SessionSequence session = default)
    {
        Kind = kind;
        Origin = origin;
        RequestId = requestId;
        Body = body;
        Session = session;
    }

    public CommandKind Kind { get; }

    /// <summary>Id of the node whose client waits for the answer; 0 for nobody.</summary>
    public ulong Origin { get; }

    /// <summary>Chosen by the origin; pairs the outcome with the waiting call.</summary>
    public ulong RequestId { get; }

    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The session the command belongs to, and its number there; default for none.</summary>
    public SessionSequence Session { get; }

    /// <summary>Splits a log payload. The body is a slice of <paramref name="payload"/>, not a copy.</summary>
    /// <returns>False when the payload is too short, of another format, or of a kind this version does not know.</returns>
    public static bool TryDecode(ReadOnlyMemory<byte> payload, out Command command)
    {
        ReadOnlySpan<byte> bytes = payload.Span;
        command = default;
        if (bytes.Length < HeaderBytes || bytes[0] is not Format and not SessionFormat || bytes[2] != 0 || bytes[3] != 0)
            return false;
        var kind = (CommandKind)bytes[1];
        if (kind is < CommandKind.Put or > CommandKind.StateReport)
            return false;
        SessionSequence session = default;
        int header = HeaderBytes;
        if (bytes[0] == SessionFormat)
        {
            header = SessionHeaderBytes;
            if (bytes.Length < header)
                return false;
            session = new SessionSequence(BinaryPrimitives.ReadInt64LittleEndian(bytes[20..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[28..]));
            if (session.IsNone)
                return false;
        }

        command = new Command(kind, BinaryPrimitives.ReadUInt64LittleEndian(bytes[4..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[12..]), payload[header..], session);
        return true;
    }

    /// <summary>Builds a log payload.</summary>
    public static byte[] Encode(CommandKind kind, ulong origin, ulong requestId, ReadOnlySpan<byte> body, SessionSequence session = default)
    {
        int header = session.IsNone ? HeaderBytes : SessionHeaderBytes;
        byte[] payload = new byte[header + body.Length];
        WriteHeader(payload, kind, origin, requestId);
        if (!session.IsNone)
        {
            payload[0] = SessionFormat;
            BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(20), session.Id);
            BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(28), session.Sequence);
        }

        body.CopyTo(payload.AsSpan(header));
        return payload;
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
