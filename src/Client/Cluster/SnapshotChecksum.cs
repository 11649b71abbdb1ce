using System.Security.Cryptography;

namespace Conclave.Client.Cluster;

/// <summary>Checks a stream whose last 32 bytes are the SHA-256 of all bytes before them, in parts of any size.</summary>
internal sealed class SnapshotChecksum : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _tail = new byte[SHA256.HashSizeInBytes];   // the last bytes so far, which may turn out to be the checksum
    private int _held;

    public void Append(ReadOnlySpan<byte> part)
    {
        int surplus = _held + part.Length - _tail.Length;
        if (surplus > 0)
        {
            int fromTail = Math.Min(surplus, _held);
            _hash.AppendData(_tail, 0, fromTail);
            _tail.AsSpan(fromTail, _held - fromTail).CopyTo(_tail);
            _held -= fromTail;
            _hash.AppendData(part[..(surplus - fromTail)]);
            part = part[(surplus - fromTail)..];
        }

        part.CopyTo(_tail.AsSpan(_held));
        _held += part.Length;
    }

    /// <summary>Call once, at the end.</summary>
    public bool Matches() => _held == _tail.Length && CryptographicOperations.FixedTimeEquals(_hash.GetHashAndReset(), _tail);

    public void Dispose() => _hash.Dispose();
}
