using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Conclave.Layers.Serving.Secrets;

/// <summary>The keys of the cluster that secrets are sealed with: the first is used for what is new, the others only open.</summary>
public sealed class SecretKeyRing
{
    public const int KeyBytes = 32, IdBytes = 8, FingerprintBytes = 4, KeysMax = 16;

    private readonly ImmutableArray<Key> _keys;

    private SecretKeyRing(ImmutableArray<Key> keys) => _keys = keys;

    /// <summary>A key and what is derived from it, so that no key is used for two purposes.</summary>
    /// <param name="Id">Names the key in records; says nothing about it.</param>
    /// <param name="Wrapping">Wraps data keys.</param>
    /// <param name="Marking">Makes fingerprints.</param>
    private sealed record Key(byte[] Id, byte[] Wrapping, byte[] Marking);

    /// <summary>16 hex digits.</summary>
    public string ActiveId => Convert.ToHexStringLower(_keys[0].Id);

    public IEnumerable<string> Ids => _keys.Select(k => Convert.ToHexStringLower(k.Id));

    /// <summary>One key a line, 32 bytes as base64, the active one first. Empty lines and lines that begin with # are passed over.</summary>
    /// <param name="text">Of the file.</param>
    /// <param name="problem">What is wrong with it, without what is in it.</param>
    /// <returns>Null with a problem.</returns>
    public static SecretKeyRing? Parse(string text, out string problem)
    {
        var keys = ImmutableArray.CreateBuilder<Key>();
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            byte[] bytes = new byte[KeyBytes + 3];
            problem = $"line {i + 1} is no key: a key is {KeyBytes} bytes as base64; conclave keygen secrets FILE makes one";
            if (!Convert.TryFromBase64String(line, bytes, out int length) || length != KeyBytes) return null;
            Key key = Derive(bytes.AsSpan(0, KeyBytes));
            CryptographicOperations.ZeroMemory(bytes);
            problem = $"line {i + 1} has a key that is there before; a key is given once";
            if (keys.Any(k => k.Id.AsSpan().SequenceEqual(key.Id))) return null;
            keys.Add(key);
        }

        problem = keys.Count == 0 ? "there is no key in it; conclave keygen secrets FILE makes one" : keys.Count > KeysMax ? $"there are {keys.Count} keys in it, and {KeysMax} are allowed; drop the oldest after conclave secret rotate" : "";
        return problem.Length == 0 ? new SecretKeyRing(keys.ToImmutable()) : null;
    }

    /// <summary>A line of the file.</summary>
    public static string LineOf(ReadOnlySpan<byte> key) => key.Length == KeyBytes ? Convert.ToBase64String(key) : throw new ArgumentException($"A key has {KeyBytes} bytes, and {key.Length} came.", nameof(key));

    public bool Has(ReadOnlySpan<byte> id) => Find(id) is not null;

    /// <summary>Fingerprints of a value by each key, the active one's first: a record keeps that of the key that was active when it was written.</summary>
    public IEnumerable<byte[]> Fingerprints(string space, string json) => _keys.Select(k => HMACSHA256.HashData(k.Marking, Encoding.UTF8.GetBytes($"{space}\0{json}"))[..FingerprintBytes]);

    internal ReadOnlySpan<byte> ActiveIdBytes => _keys[0].Id;

    internal void Wrap(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> dataKey, Span<byte> wrapped, Span<byte> tag, ReadOnlySpan<byte> bound)
    {
        using var aes = new AesGcm(_keys[0].Wrapping, SealedSecret.TagBytes);
        aes.Encrypt(nonce, dataKey, wrapped, tag, bound);
    }

    /// <returns>False when this is not what was wrapped.</returns>
    internal bool TryUnwrap(ReadOnlySpan<byte> id, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> wrapped, ReadOnlySpan<byte> tag, Span<byte> dataKey, ReadOnlySpan<byte> bound)
    {
        if (Find(id) is not { } key) return false;
        using var aes = new AesGcm(key.Wrapping, SealedSecret.TagBytes);
        try
        {
            aes.Decrypt(nonce, wrapped, tag, dataKey, bound);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    private Key? Find(ReadOnlySpan<byte> id)
    {
        foreach (Key key in _keys)
        {
            if (id.SequenceEqual(key.Id)) return key;
        }

        return null;
    }

    private static Key Derive(ReadOnlySpan<byte> key)
    {
        return new(Part(key, "id", IdBytes), Part(key, "wrap", KeyBytes), Part(key, "fingerprint", KeyBytes));

        static byte[] Part(ReadOnlySpan<byte> key, string purpose, int bytes)
        {
            byte[] part = new byte[bytes];
            HKDF.DeriveKey(HashAlgorithmName.SHA256, key, part, salt: [], info: Encoding.UTF8.GetBytes("conclave secrets v1 " + purpose));
            return part;
        }
    }
}
