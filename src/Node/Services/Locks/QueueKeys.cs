using System.Globalization;
using System.Text;
using Google.Protobuf;

namespace Conclave.Node.Services.Locks;

/// <summary>How etcd names the keys of a queue. Clients that queue by themselves use the same ones, so both kinds wait for each other.</summary>
internal static class QueueKeys
{
    /// <summary>What the keys of all who queue for a name begin with.</summary>
    public static ByteString Prefix(ByteString name) => ByteString.CopyFrom([.. name.Span, (byte)'/']);

    /// <summary>The key of one of them: the lease in hex, lower case and unpadded, a negative one as minus and magnitude.</summary>
    public static ByteString Key(ByteString name, long lease)
    {
        // The magnitude of the smallest number is no long.
        string hex = lease < 0 ? "-" + (0UL - (ulong)lease).ToString("x", CultureInfo.InvariantCulture) : lease.ToString("x", CultureInfo.InvariantCulture);
        return ByteString.CopyFrom([.. name.Span, (byte)'/', .. Encoding.ASCII.GetBytes(hex)]);
    }

    /// <summary>The end of the range of all keys with this prefix, which is not empty and does not end in 0xff.</summary>
    public static ByteString EndOf(ByteString prefix)
    {
        byte[] end = prefix.ToByteArray();
        end[^1]++;
        return UnsafeByteOperations.UnsafeWrap(end);
    }
}
