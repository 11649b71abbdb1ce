using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;

namespace Conclave.Wire;

/// <summary>The hash of a document's items as they are sent, <c>items_hash</c> of a delta: whoever gets them can check it without knowing how a document is resolved.</summary>
public static class ItemsHash
{
    /// <param name="items">All items of the document, in ordinal order of keys; values as JSON text.</param>
    public static ByteString Of(IEnumerable<(string Key, string Value, bool IsPending)> items)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 10];
        foreach ((string key, string value, bool isPending) in items)
        {
            Append(hash, key, ref buffer);
            Append(hash, value, ref buffer);
            hash.AppendData([isPending ? (byte)1 : (byte)0]);
        }

        return ByteString.CopyFrom(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string text, ref byte[] buffer)
    {
        int most = sizeof(int) + Encoding.UTF8.GetMaxByteCount(text.Length);
        if (buffer.Length < most) buffer = new byte[most];
        int length = Encoding.UTF8.GetBytes(text, buffer.AsSpan(sizeof(int)));
        BinaryPrimitives.WriteInt32LittleEndian(buffer, length);
        hash.AppendData(buffer, 0, sizeof(int) + length);
    }
}
