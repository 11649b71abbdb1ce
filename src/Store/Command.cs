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
}

/// <summary>One command as it stands in a log entry: who sent it and the request message as it came from the client.</summary>
/// <remarks>
/// <code>
/// | format u8 = 1 | kind u8 | reserved u16 = 0 | origin u64 | request id u64 | body ... |     little-endian
/// </code>
/// The body is etcd's request message (a lease grant with its final id and clamped TTL), except for
/// <see cref="CommandKind.MemberAttributes"/>: member id u64 little-endian, then opaque bytes.
/// </remarks>
public readonly struct Command
{
    /// <summary>Bytes before the body.</summary>
    public const int HeaderBytes = 20;

    private const byte Format = 1;

    public Command(CommandKind kind, ulong origin, ulong requestId, ReadOnlyMemory<byte> body)
    {
        Kind = kind;
        Origin = origin;
        RequestId = requestId;
        Body = body;
    }

    public CommandKind Kind { get; }

    /// <summary>Id of the node whose client waits for the answer; 0 for nobody.</summary>
    public ulong Origin { get; }

    /// <summary>Chosen by the origin; pairs the outcome with the waiting call.</summary>
    public ulong RequestId { get; }

    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>Splits a log payload. The body is a slice of <paramref name="payload"/>, not a copy.</summary>
    /// <returns>False when the payload is too short, of another format, or of a kind this version does not know.</returns>
    public static bool TryDecode(ReadOnlyMemory<byte> payload, out Command command)
    {
        ReadOnlySpan<byte> bytes = payload.Span;
        command = default;
        if (bytes.Length < HeaderBytes || bytes[0] != Format || bytes[2] != 0 || bytes[3] != 0)
            return false;
        var kind = (CommandKind)bytes[1];
        if (kind is < CommandKind.Put or > CommandKind.MemberAttributes)
            return false;
        command = new Command(kind, BinaryPrimitives.ReadUInt64LittleEndian(bytes[4..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[12..]), payload[HeaderBytes..]);
        return true;
    }

    /// <summary>Builds a log payload.</summary>
    public static byte[] Encode(CommandKind kind, ulong origin, ulong requestId, ReadOnlySpan<byte> body)
    {
        byte[] payload = new byte[HeaderBytes + body.Length];
        WriteHeader(payload, kind, origin, requestId);
        body.CopyTo(payload.AsSpan(HeaderBytes));
        return payload;
    }

    /// <summary>Writes the first <see cref="HeaderBytes"/> of a payload whose body is put behind it by the caller.</summary>
    public static void WriteHeader(Span<byte> destination, CommandKind kind, ulong origin, ulong requestId)
    {
        destination[0] = Format;
        destination[1] = (byte)kind;
        destination[2] = destination[3] = 0;
        BinaryPrimitives.WriteUInt64LittleEndian(destination[4..], origin);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[12..], requestId);
    }
}
