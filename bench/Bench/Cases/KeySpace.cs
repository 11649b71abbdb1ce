using System.Globalization;
using System.Text;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Bench.Cases;

/// <summary>The keys the cases work on: <c>bench/00000000</c> upwards, all there before the first round.</summary>
internal static class KeySpace
{
    public const int Keys = 10_000, ValueBytes = 128;
    private const int KeysPerTxn = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static byte[] Key(string prefix, int index) => Encoding.ASCII.GetBytes(prefix + index.ToString("D8", CultureInfo.InvariantCulture));

    /// <summary>Overwrites the eight digits at the end of a key in place.</summary>
    public static void PatchDigits(Span<byte> digits, int index)
    {
        for (int i = 7; i >= 0; i--, index /= 10)
            digits[i] = (byte)('0' + (index % 10));
    }

    /// <summary>Bytes that do not compress, the same in every run.</summary>
    public static byte[] Value(int bytes)
    {
        byte[] value = new byte[bytes];
        new Random(bytes).NextBytes(value);
        return value;
    }

    /// <summary>Writes <paramref name="count"/> keys in transactions of a hundred.</summary>
    public static async Task FillAsync(ProcessCluster cluster, string prefix, int count, int valueBytes, CancellationToken cancellationToken)
    {
        MemberClient client = cluster.Clients[await cluster.WaitForLeaderAsync(Patience, cancellationToken).ConfigureAwait(false)];
        ByteString value = UnsafeByteOperations.UnsafeWrap(Value(valueBytes));
        for (int first = 0; first < count; first += KeysPerTxn)
        {
            var txn = new TxnRequest();
            for (int i = first; i < Math.Min(count, first + KeysPerTxn); i++)
                txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = UnsafeByteOperations.UnsafeWrap(Key(prefix, i)), Value = value } });
            _ = (await client.TxnAsync(txn, Patience, cancellationToken).ConfigureAwait(false)).Required;
        }
    }

    /// <summary>The store's revision now.</summary>
    public static async Task<long> RevisionAsync(ProcessCluster cluster, CancellationToken cancellationToken) =>
        (await cluster.Clients[0].RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("x") }, Patience, cancellationToken).ConfigureAwait(false)).Required.Header.Revision;

    /// <summary>Forgets history, so that later rounds do not run on a larger store than earlier ones.</summary>
    public static async Task CompactAsync(ProcessCluster cluster, CancellationToken cancellationToken)
    {
        MemberClient client = cluster.Clients[0];
        long now = await RevisionAsync(cluster, cancellationToken).ConfigureAwait(false);
        RpcResult<CompactionResponse> compacted = await client.CompactAsync(now, physical: true, Patience, cancellationToken).ConfigureAwait(false);
        const int outOfRange = 11;   // a case that only reads leaves nothing to compact
        if (!compacted.Succeeded && compacted.Code != outOfRange)
            throw new InvalidOperationException($"Compaction failed: {compacted}");
    }
}
