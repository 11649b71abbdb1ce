using System.Text;
using Google.Protobuf;

namespace Conclave.Client;

/// <summary>Immutable bytes: a key or a value. Converts from text (as UTF-8) and from byte arrays, and compares by content.</summary>
/// <remarks>The wrapped memory is not copied; whoever hands an array in must not change it afterwards.</remarks>
public readonly struct Bytes(ReadOnlyMemory<byte> memory) : IEquatable<Bytes>, IComparable<Bytes>
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>No bytes at all.</summary>
    public static Bytes Empty => default;

    public ReadOnlyMemory<byte> Memory { get; } = memory;

    public ReadOnlySpan<byte> Span => Memory.Span;

    public int Length => Memory.Length;

    public bool IsEmpty => Memory.IsEmpty;

    public static implicit operator Bytes(string text) => new(Encoding.UTF8.GetBytes(text));

    public static implicit operator Bytes(byte[] bytes) => new(bytes);

    public static implicit operator Bytes(ReadOnlyMemory<byte> memory) => new(memory);

    public static bool operator ==(Bytes left, Bytes right) => left.Equals(right);

    public static bool operator !=(Bytes left, Bytes right) => !left.Equals(right);

    /// <summary>The bytes as text; false when they are not valid UTF-8.</summary>
    public bool TryGetText(out string text)
    {
        text = "";
        try
        {
            text = Strict.GetString(Span);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;   // Not UTF-8: the answer, not a failure.
        }
    }

    public bool StartsWith(Bytes prefix) => Span.StartsWith(prefix.Span);

    public bool Equals(Bytes other) => Span.SequenceEqual(other.Span);

    /// <summary>Order of unsigned bytes, as the server's.</summary>
    public int CompareTo(Bytes other) => Span.SequenceCompareTo(other.Span);

    public override bool Equals(object? obj) => obj is Bytes other && Equals(other);

    public override int GetHashCode()
    {
        HashCode hash = new();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>The bytes as text; what is not UTF-8 becomes U+FFFD. For exact text use <see cref="TryGetText"/>.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Span);

    internal ByteString ToByteString() => UnsafeByteOperations.UnsafeWrap(Memory);

    internal static Bytes Of(ByteString bytes) => new(bytes.Memory);
}
