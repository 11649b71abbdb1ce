using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Conclave.Raft;

namespace Conclave.Node.Peers;

/// <summary>What a connection between members is for.</summary>
internal enum PeerConnectionKind : byte
{
    Messages = 0,
    Snapshot = 1,

    /// <summary>From somebody who is to join: the members are told, and nothing else happens. See <see cref="Introduction"/>.</summary>
    Introduce = 2,
}

/// <summary>The first bytes on every connection between members, in both directions. All numbers are little-endian.</summary>
/// <remarks>
/// <code>
///  hello:       | magic (8) | version u16 | kind u8 | campaign delay u8 | restBytes u16 | rest | crc32c u32 over all before |
///  rest:        | cluster u64 | from u64 | to u64 | credentials (64) | starts | peer URLs of the caller, UTF-8, joined by commas |
///  credentials: | incarnation (16) | boot u64 | boot nonce (16) | durable index u64 | lost end: index u64, term u64 |
///  starts:      | count u8, 255 for none | count times: boot u64, nonce (16) |      not in version 3
///  welcome:     | accepted u8 | reason u8 | restBytes u16 | credentials (64), zeros unless accepted | starts if accepted, else reason (UTF-8) |
/// </code>
/// A stranger, a member of another cluster, or a message meant for another member is refused with the reason before any message is read.
/// The campaign delay is how many tenths of an election timeout the caller lets others go first: 10 less its --leader-priority. Earlier releases of version 4 write 0 there and
/// look at nothing, which is just what a member without a wish says.
/// Each side shows its credentials, and the <see cref="PeerGate"/> of the other judges them before a message passes. The magic and the version come first
/// and stay where they are, so that every release can tell every other one why they do not talk.
/// </remarks>
internal readonly record struct PeerHello(PeerConnectionKind Kind, ulong ClusterId, NodeId From, NodeId To, MemberCredentials Credentials, string PeerUrls)
{
    public const int HeadBytes = 14;

    /// <summary>Raised when the meaning of a frame or of the greeting changes.</summary>
    public const ushort Version = 4;

    /// <summary>Earlier ones are understood from here on: version 3 has the same frames, and shows no starts.</summary>
    public const ushort VersionOldest = 3;

    private const int FixedBytes = 24 + CredentialsCodec.Bytes, UrlBytesMax = 3_900, RestBytesMax = FixedBytes + StartsCodec.BytesMax + UrlBytesMax;

    /// <summary>The version of this greeting; the welcome has the same.</summary>
    public ushort Speaks { get; init; } = Version;

    /// <summary>Tenths of an election timeout that the caller waits longer than others before it campaigns.</summary>
    public byte CampaignDelay { get; init; }

    private static ReadOnlySpan<byte> Magic => "CONCLAVE"u8;

    public byte[] Encode()
    {
        byte[] urls = Encoding.UTF8.GetBytes(PeerUrls);
        byte[] starts = Speaks < Version ? [] : StartsCodec.Encode(Credentials.Starts);
        byte[] hello = new byte[HeadBytes + FixedBytes + starts.Length + urls.Length + 4];
        Magic.CopyTo(hello);
        BinaryPrimitives.WriteUInt16LittleEndian(hello.AsSpan(8), Speaks);
        hello[10] = (byte)Kind;
        hello[11] = CampaignDelay;
        BinaryPrimitives.WriteUInt16LittleEndian(hello.AsSpan(12), checked((ushort)(FixedBytes + starts.Length + urls.Length)));
        BinaryPrimitives.WriteUInt64LittleEndian(hello.AsSpan(14), ClusterId);
        BinaryPrimitives.WriteUInt64LittleEndian(hello.AsSpan(22), From.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(hello.AsSpan(30), To.Value);
        CredentialsCodec.Write(hello.AsSpan(38), Credentials);
        starts.CopyTo(hello, HeadBytes + FixedBytes);
        urls.CopyTo(hello, HeadBytes + FixedBytes + starts.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(hello.AsSpan(hello.Length - 4), PeerFrame.Crc(hello.AsSpan(0, hello.Length - 4)));
        return hello;
    }

    /// <summary>Receives a hello; null with a reason when it is none that we can talk to.</summary>
    public static async Task<(PeerHello? Hello, string Reason)> ReceiveAsync(PeerConnection connection, CancellationToken cancellationToken)
    {
        byte[] head = new byte[HeadBytes];
        await PeerLink.ReceiveExactlyAsync(connection, head, cancellationToken).ConfigureAwait(false);
        if (HeadProblem(head, out int restBytes) is { Length: > 0 } problem) return (null, problem);
        byte[] hello = new byte[HeadBytes + restBytes + 4];
        head.CopyTo(hello, 0);
        await PeerLink.ReceiveExactlyAsync(connection, hello.AsMemory(HeadBytes), cancellationToken).ConfigureAwait(false);
        return (Decode(hello, out string reason), reason);
    }

    /// <summary>Reads what <see cref="Encode"/> wrote. Total: null with a reason for anything else.</summary>
    public static PeerHello? Decode(ReadOnlySpan<byte> hello, out string reason)
    {
        int restBytes = 0;
        reason = hello.Length < HeadBytes ? NoProtocol : HeadProblem(hello[..HeadBytes], out restBytes);
        if (reason.Length == 0 && hello.Length != HeadBytes + restBytes + 4) reason = "the greeting has another length than it says";
        if (reason.Length == 0 && BinaryPrimitives.ReadUInt32LittleEndian(hello[^4..]) != PeerFrame.Crc(hello[..^4])) reason = "the greeting arrived damaged";
        if (reason.Length > 0) return null;
        ushort speaks = BinaryPrimitives.ReadUInt16LittleEndian(hello[8..]);
        ReadOnlySpan<byte> rest = hello[(HeadBytes + FixedBytes)..^4];
        ImmutableArray<MemberStart> starts = default;
        if (speaks == Version && !StartsCodec.TryRead(ref rest, out starts))
        {
            reason = "the greeting names more starts than it has room for";
            return null;
        }

        return new PeerHello(
            (PeerConnectionKind)hello[10],
            BinaryPrimitives.ReadUInt64LittleEndian(hello[14..]),
            new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(hello[22..])),
            new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(hello[30..])),
            CredentialsCodec.Read(hello[38..]) with { Starts = starts },
            Encoding.UTF8.GetString(rest))
        { Speaks = speaks, CampaignDelay = hello[11] };
    }

    /// <summary>Whether a refusal means that the other side speaks only the version before, which this release speaks too.</summary>
    /// <remarks>That release says so in words only. They do not change any more.</remarks>
    public static bool IsRefusalOfVersion3(string reason) => reason.StartsWith("this member speaks peer protocol 3,", StringComparison.Ordinal);

    private const string NoProtocol = "this is a Conclave peer port, and the caller does not speak its protocol";

    private static string HeadProblem(ReadOnlySpan<byte> head, out int restBytes)
    {
        restBytes = BinaryPrimitives.ReadUInt16LittleEndian(head[12..]);
        if (!head.StartsWith(Magic)) return NoProtocol;
        if (BinaryPrimitives.ReadUInt16LittleEndian(head[8..]) is ushort version and (< VersionOldest or > Version))
            return $"this member speaks peer protocol {Version}, the caller {version}; run the same release on all members";
        if (head[10] > (byte)PeerConnectionKind.Introduce) return $"connection kind {head[10]} is unknown";
        return restBytes is >= FixedBytes and <= RestBytesMax ? "" : $"the greeting says it has {restBytes} bytes";   // checked before it is trusted as a length
    }
}

/// <summary>The fixed part of the answer to a <see cref="PeerHello"/>; <see cref="RestBytes"/> bytes follow, of text when it is a refusal.</summary>
internal readonly record struct PeerWelcome(bool Accepted, AdmissionReason Reason, int RestBytes, MemberCredentials Credentials)
{
    public const int Bytes = 4 + CredentialsCodec.Bytes;

    private const int ReasonCharactersMax = 1_000;

    /// <param name="credentials">Of the accepting side; shown only to those who are let in.</param>
    /// <param name="speaks">Version of the greeting.</param>
    public static byte[] Accept(in MemberCredentials credentials, ushort speaks)
    {
        byte[] starts = speaks < PeerHello.Version ? [] : StartsCodec.Encode(credentials.Starts);
        byte[] welcome = new byte[Bytes + starts.Length];
        welcome[0] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(welcome.AsSpan(2), (ushort)starts.Length);
        CredentialsCodec.Write(welcome.AsSpan(4), credentials);
        starts.CopyTo(welcome, Bytes);
        return welcome;
    }

    /// <param name="reason">None when it is not a matter of admission.</param>
    /// <param name="words">Cut after 1,000 characters.</param>
    public static byte[] Refuse(AdmissionReason reason, string words)
    {
        byte[] text = Encoding.UTF8.GetBytes(words.Length <= ReasonCharactersMax ? words : words[..ReasonCharactersMax]);
        byte[] welcome = new byte[Bytes + text.Length];
        welcome[1] = (byte)reason;
        BinaryPrimitives.WriteUInt16LittleEndian(welcome.AsSpan(2), (ushort)text.Length);
        text.CopyTo(welcome, Bytes);
        return welcome;
    }

    /// <summary>What the accepting side shows, with what came after the fixed part.</summary>
    /// <exception cref="IOException">That is no list of starts.</exception>
    public MemberCredentials Shown(ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty) return Credentials;
        return StartsCodec.TryRead(ref rest, out ImmutableArray<MemberStart> starts) ? Credentials with { Starts = starts } : throw new IOException("the welcome cannot be read");
    }

    public static PeerWelcome Decode(ReadOnlySpan<byte> head) =>
        new(head[0] == 1, (AdmissionReason)head[1], BinaryPrimitives.ReadUInt16LittleEndian(head[2..]), CredentialsCodec.Read(head[4..]));
}

/// <summary>Credentials on the wire.</summary>
internal static class CredentialsCodec
{
    public const int Bytes = 64;

    public static void Write(Span<byte> to, in MemberCredentials credentials)
    {
        credentials.Incarnation.TryWriteBytes(to);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], credentials.Boot);
        credentials.BootNonce.TryWriteBytes(to[24..]);
        BinaryPrimitives.WriteUInt64LittleEndian(to[40..], credentials.Durable.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(to[48..], credentials.LostEnd.Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(to[56..], credentials.LostEnd.Term.Value);
    }

    public static MemberCredentials Read(ReadOnlySpan<byte> from) => new(
        new Guid(from[..16]),
        BinaryPrimitives.ReadUInt64LittleEndian(from[16..]),
        new Guid(from.Slice(24, 16)),
        new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(from[40..])),
        new EntryId(new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(from[48..])), new Term(BinaryPrimitives.ReadUInt64LittleEndian(from[56..]))));
}

/// <summary>The starts that a member shows, on the wire.</summary>
internal static class StartsCodec
{
    public const int BytesMax = 1 + StartBytes * (StartHistory.RecentMax + 1);

    private const int StartBytes = 24;
    private const byte None = 255;

    public static byte[] Encode(ImmutableArray<MemberStart> starts)
    {
        if (starts.IsDefault) return [None];
        byte[] bytes = new byte[1 + StartBytes * starts.Length];
        bytes[0] = checked((byte)starts.Length);
        for (int i = 0; i < starts.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(1 + StartBytes * i), starts[i].Boot);
            starts[i].Nonce.TryWriteBytes(bytes.AsSpan(9 + StartBytes * i));
        }

        return bytes;
    }

    /// <summary>Takes them from the beginning of the bytes. Total.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> from, out ImmutableArray<MemberStart> starts)
    {
        starts = default;
        if (from.IsEmpty) return false;
        int count = from[0] == None ? 0 : from[0];
        if (count > StartHistory.RecentMax + 1 || from.Length < 1 + StartBytes * count) return false;
        if (from[0] != None)
        {
            var read = ImmutableArray.CreateBuilder<MemberStart>(count);
            for (int i = 0; i < count; i++)
                read.Add(new MemberStart(BinaryPrimitives.ReadUInt64LittleEndian(from[(1 + StartBytes * i)..]), new Guid(from.Slice(9 + StartBytes * i, 16))));
            starts = read.MoveToImmutable();
        }

        from = from[(1 + StartBytes * count)..];
        return true;
    }
}
