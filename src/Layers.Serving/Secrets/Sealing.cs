using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Conclave.Layers.Serving.Secrets;

/// <summary>Fills bytes that nobody can foresee.</summary>
public delegate void RandomFill(Span<byte> bytes);

/// <summary>Makes records of secrets, opens them, and puts them under another key.</summary>
/// <remarks>AES-256-GCM twice: a random data key seals the value and is used for nothing else, so that a nonce can never meet its key again; the cluster's key wraps it.</remarks>
public static class Sealing
{
    /// <summary>Where a secret is: a record opens only under the name that it was made for.</summary>
    public readonly record struct Place(string Space, string Name);

    /// <param name="keys">The first one wraps.</param>
    /// <param name="place">Its space and name.</param>
    /// <param name="version">Of this name.</param>
    /// <param name="value">At most <see cref="SealedSecret.ValueBytesMax"/> as JSON.</param>
    /// <param name="author">Who wrote it; cut where it is too long.</param>
    /// <param name="timeUnixMs">When.</param>
    /// <param name="random">For keys and nonces.</param>
    public static SealedSecret Seal(SecretKeyRing keys, Place place, long version, Value value, string author, long timeUnixMs, RandomFill random)
    {
        string json = value.ToString();
        byte[] clear = Encoding.UTF8.GetBytes(json);
        if (clear.Length > SealedSecret.ValueBytesMax) throw new ArgumentException($"A secret has at most {SealedSecret.ValueBytesMax} bytes, and this one has {clear.Length}.", nameof(value));
        byte[] dataKey = Random(SecretKeyRing.KeyBytes, random), nonce = Random(SealedSecret.NonceBytes, random), body = new byte[clear.Length + SealedSecret.TagBytes];
        var record = new SealedSecret
        {
            Version = version,
            TimeUnixMs = timeUnixMs,
            Fingerprint = [.. keys.Fingerprints(place.Space, json).First()],
            Author = Cut(author),
            Nonce = [.. nonce],
            Sealed = [],
            KeyId = [],
            WrapNonce = [],
            Wrapped = [],
        };
        using (var aes = new AesGcm(dataKey, SealedSecret.TagBytes))
            aes.Encrypt(nonce, clear, body.AsSpan(0, clear.Length), body.AsSpan(clear.Length), Bound(place, record));
        CryptographicOperations.ZeroMemory(clear);
        SealedSecret made = Wrap(keys, place, record with { Sealed = ImmutableCollectionsMarshal.AsImmutableArray(body) }, dataKey, random);
        CryptographicOperations.ZeroMemory(dataKey);
        return made;
    }

    /// <returns>Null when the key is not there, or this is not what was sealed under this name.</returns>
    public static Value? Open(SecretKeyRing keys, Place place, SealedSecret record)
    {
        Span<byte> dataKey = stackalloc byte[SecretKeyRing.KeyBytes];
        if (!TryUnwrap(keys, place, record, dataKey)) return null;
        int length = record.Sealed.Length - SealedSecret.TagBytes;
        byte[] clear = new byte[length];
        try
        {
            using var aes = new AesGcm(dataKey, SealedSecret.TagBytes);
            aes.Decrypt(record.Nonce.AsSpan(), record.Sealed.AsSpan()[..length], record.Sealed.AsSpan()[length..], clear, Bound(place, record));
            return ValueJson.TryParse(clear, out Value? value, out _) ? value : null;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(clear);
            CryptographicOperations.ZeroMemory(dataKey);
        }
    }

    /// <summary>The same secret under the active key. The value is not opened.</summary>
    /// <returns>Null when it cannot be unwrapped.</returns>
    public static SealedSecret? Rewrap(SecretKeyRing keys, Place place, SealedSecret record, RandomFill random)
    {
        byte[] dataKey = new byte[SecretKeyRing.KeyBytes];
        SealedSecret? made = TryUnwrap(keys, place, record, dataKey) ? Wrap(keys, place, record, dataKey, random) : null;
        CryptographicOperations.ZeroMemory(dataKey);
        return made;
    }

    private static SealedSecret Wrap(SecretKeyRing keys, Place place, SealedSecret record, ReadOnlySpan<byte> dataKey, RandomFill random)
    {
        byte[] nonce = Random(SealedSecret.NonceBytes, random), wrapped = new byte[SecretKeyRing.KeyBytes + SealedSecret.TagBytes];
        keys.Wrap(nonce, dataKey, wrapped.AsSpan(0, SecretKeyRing.KeyBytes), wrapped.AsSpan(SecretKeyRing.KeyBytes), Bound(place, record));
        return record with { KeyId = [.. keys.ActiveIdBytes], WrapNonce = [.. nonce], Wrapped = [.. wrapped] };
    }

    private static bool TryUnwrap(SecretKeyRing keys, Place place, SealedSecret record, Span<byte> dataKey) =>
        keys.TryUnwrap(record.KeyId.AsSpan(), record.WrapNonce.AsSpan(), record.Wrapped.AsSpan()[..SecretKeyRing.KeyBytes], record.Wrapped.AsSpan()[SecretKeyRing.KeyBytes..], dataKey, Bound(place, record));

    /// <summary>What a record is bound to besides its keys.</summary>
    private static byte[] Bound(Place place, SealedSecret record) => [.. Encoding.UTF8.GetBytes($"conclave secret\0{place.Space}\0{place.Name}\0"), .. record.Head()];

    private static byte[] Random(int count, RandomFill random)
    {
        byte[] bytes = new byte[count];
        random(bytes);
        return bytes;
    }

    /// <summary>So much of it as has room, in whole characters.</summary>
    private static string Cut(string author)
    {
        var cut = new StringBuilder();
        int bytes = 0;
        foreach (Rune rune in author.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > SealedSecret.AuthorBytesMax) break;
            cut.Append(rune.ToString());
        }

        return cut.ToString();
    }
}
