using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace Conclave.Layers.Serving.Secrets;

/// <summary>A secret as it is stored: the value under a data key of its own, and that key under the cluster's.</summary>
/// <remarks>
/// <code>
///  'S' | format 1 | version (8) | time (8) | fingerprint (4) | authorBytes (2) | author | nonce (12) | sealedBytes (4) | sealed | tag (16)
///      | keyId (8) | wrapNonce (12) | wrapped key (32) | wrapTag (16)                                                     little-endian
/// </code>
/// What stands before the nonce is bound to the wrapped key, with space and name; so nothing of a record can be changed or moved to another name
/// without that it no longer opens. A rotation writes the second line anew and leaves the first as it is.
/// </remarks>
public sealed record SealedSecret
{
    public const int NonceBytes = 12, TagBytes = 16, ValueBytesMax = 64 << 10, AuthorBytesMax = 1024;

    private const byte Mark = (byte)'S', Format = 1;
    private const int FixedHead = 1 + 1 + 8 + 8 + SecretKeyRing.FingerprintBytes + 2;

    /// <summary>Rises with each write of the name.</summary>
    public required long Version { get; init; }

    public required long TimeUnixMs { get; init; }

    public required ImmutableArray<byte> Fingerprint { get; init; }

    public required string Author { get; init; }

    public required ImmutableArray<byte> Nonce { get; init; }

    /// <summary>The JSON, sealed; its tag at the end.</summary>
    public required ImmutableArray<byte> Sealed { get; init; }

    public required ImmutableArray<byte> KeyId { get; init; }

    public required ImmutableArray<byte> WrapNonce { get; init; }

    /// <summary>The data key, sealed; its tag at the end.</summary>
    public required ImmutableArray<byte> Wrapped { get; init; }

    /// <summary>8 hex digits.</summary>
    public string FingerprintText => Convert.ToHexStringLower(Fingerprint.AsSpan());

    /// <summary>16 hex digits.</summary>
    public string KeyIdText => Convert.ToHexStringLower(KeyId.AsSpan());

    public byte[] ToBytes()
    {
        byte[] head = Head();
        byte[] bytes = new byte[head.Length + NonceBytes + 4 + Sealed.Length + SecretKeyRing.IdBytes + NonceBytes + Wrapped.Length];
        head.CopyTo(bytes, 0);
        Span<byte> rest = bytes.AsSpan(head.Length);
        Put(ref rest, Nonce);
        BinaryPrimitives.WriteInt32LittleEndian(rest, Sealed.Length);
        rest = rest[4..];
        Put(ref rest, Sealed);
        Put(ref rest, KeyId);
        Put(ref rest, WrapNonce);
        Put(ref rest, Wrapped);
        return bytes;
    }

    /// <returns>Null when these bytes are no record of a format that is known here.</returns>
    public static SealedSecret? TryParse(ReadOnlySpan<byte> bytes)
    {
        const int Tail = SecretKeyRing.IdBytes + NonceBytes + SecretKeyRing.KeyBytes + TagBytes;
        if (bytes.Length < FixedHead || bytes[0] != Mark || bytes[1] != Format) return null;
        int author = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(FixedHead - 2)..]);
        if (author > AuthorBytesMax || bytes.Length < FixedHead + author + NonceBytes + 4 + TagBytes + Tail) return null;
        ReadOnlySpan<byte> rest = bytes[(FixedHead + author)..];
        int length = BinaryPrimitives.ReadInt32LittleEndian(rest[NonceBytes..]);
        if (length < TagBytes || length > ValueBytesMax + TagBytes || rest.Length != NonceBytes + 4 + length + Tail) return null;
        ReadOnlySpan<byte> tail = rest[(NonceBytes + 4 + length)..];
        return new SealedSecret
        {
            Version = BinaryPrimitives.ReadInt64LittleEndian(bytes[2..]),
            TimeUnixMs = BinaryPrimitives.ReadInt64LittleEndian(bytes[10..]),
            Fingerprint = [.. bytes.Slice(18, SecretKeyRing.FingerprintBytes)],
            Author = Encoding.UTF8.GetString(bytes.Slice(FixedHead, author)),
            Nonce = [.. rest[..NonceBytes]],
            Sealed = [.. rest.Slice(NonceBytes + 4, length)],
            KeyId = [.. tail[..SecretKeyRing.IdBytes]],
            WrapNonce = [.. tail.Slice(SecretKeyRing.IdBytes, NonceBytes)],
            Wrapped = [.. tail[(SecretKeyRing.IdBytes + NonceBytes)..]],
        };
    }

    /// <summary>Everything but the value and the wrapping.</summary>
    internal byte[] Head()
    {
        byte[] author = Encoding.UTF8.GetBytes(Author);
        byte[] head = new byte[FixedHead + author.Length];
        (head[0], head[1]) = (Mark, Format);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(2), Version);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(10), TimeUnixMs);
        Fingerprint.CopyTo(head, 18);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(FixedHead - 2), checked((ushort)author.Length));
        author.CopyTo(head, FixedHead);
        return head;
    }

    private static void Put(ref Span<byte> to, ImmutableArray<byte> bytes)
    {
        bytes.CopyTo(to);
        to = to[bytes.Length..];
    }
}
