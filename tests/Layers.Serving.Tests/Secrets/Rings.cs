using System.Security.Cryptography;
using Conclave.Layers.Serving.Secrets;

namespace Conclave.Layers.Serving.Tests.Secrets;

/// <summary>Keys and randomness that are the same in each run.</summary>
internal sealed class Rings(int seed)
{
    private int _next = seed;

    /// <summary>Not random at all, and never the same twice.</summary>
    public void Fill(Span<byte> bytes)
    {
        byte[] hash = SHA512.HashData(BitConverter.GetBytes(_next++));
        for (int i = 0; i < bytes.Length; i++) bytes[i] = hash[i];
    }

    /// <summary>A ring of keys that are told apart by their first byte; the first is active.</summary>
    public static SecretKeyRing Of(params byte[] keys) =>
        SecretKeyRing.Parse(string.Join('\n', keys.Select(k => SecretKeyRing.LineOf([k, .. new byte[SecretKeyRing.KeyBytes - 1]]))), out string problem) ?? throw new InvalidOperationException(problem);
}
