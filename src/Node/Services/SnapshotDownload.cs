using System.Security.Cryptography;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Node.Services;

/// <summary>Maintenance.Snapshot: the whole state as a file, in the framing that etcd's clients check.</summary>
/// <remarks>
/// <code>
///  | state, padded with zeros to a multiple of 512 bytes | SHA-256 of all before (32) |
/// </code>
/// The padding and the trailer are what etcdctl looks for: it refuses a file whose size modulo 512 is not 32. The state is written to a file in
/// the data directory first: the size must be known before the first byte leaves, and the state may be larger than one wants twice in memory.
/// </remarks>
internal sealed class SnapshotDownload
{
    internal const int PadTo = 512;

    private const int BlobBytesMax = 32 << 10;
    private const string Prefix = "download-", Suffix = ".tmp";

    /// <summary>Each takes as much room on the disk as the state has, beside the log.</summary>
    private const int AtOnceMax = 2;

    private readonly ServiceContext _context;
    private readonly SemaphoreSlim _turns = new(AtOnceMax);

    public SnapshotDownload(ServiceContext context)
    {
        _context = context;
        RemoveLeftovers(context.Options.DataDir);
    }

    /// <summary>Removes the files of downloads that a killed process was busy with. Nobody else has any: the node holds the lock of the directory.</summary>
    internal static void RemoveLeftovers(string dataDir)
    {
        try
        {
            foreach (string path in Directory.EnumerateFiles(dataDir, $"{Prefix}*{Suffix}")) File.Delete(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // They only take room, and the next start tries again: no reason not to serve.
        }
    }

    public async ValueTask ServeAsync(RpcContext call, RpcStream stream)
    {
        _context.CheckLeader(call);
        await _context.Auth.RequireAdminAsync(call).ConfigureAwait(false);   // everything is in it, password hashes and the secret of the tokens too
        await _turns.WaitAsync(call.Cancellation).ConfigureAwait(false);
        try
        {
            await SaveAndSendAsync(call, stream).ConfigureAwait(false);
        }
        finally
        {
            _turns.Release();
        }
    }

    private async ValueTask SaveAndSendAsync(RpcContext call, RpcStream stream)
    {
        string path = Path.Combine(_context.Options.DataDir, $"{Prefix}{Guid.NewGuid():N}{Suffix}");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 64 << 10, Options = FileOptions.DeleteOnClose };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var file = new FileStream(path, options);
        await using (file.ConfigureAwait(false))
        {
            KeyValueStore.Save(_context.View, file);
            file.Write(new byte[(PadTo - file.Length % PadTo) % PadTo]);
            file.Position = 0;
            await SendAsync(call, stream, file).ConfigureAwait(false);
        }
    }

    private static async ValueTask SendAsync(RpcContext call, RpcStream stream, FileStream file)
    {
        long remaining = file.Length + SHA256.HashSizeInBytes;
        byte[] blob = new byte[BlobBytesMax];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        while (file.Position < file.Length)
        {
            int read = await file.ReadAtLeastAsync(blob, (int)Math.Min(blob.Length, file.Length - file.Position), cancellationToken: call.Cancellation).ConfigureAwait(false);
            hash.AppendData(blob, 0, read);
            remaining -= read;
            await SendBlobAsync(call, stream, blob.AsMemory(0, read), remaining).ConfigureAwait(false);
        }

        await SendBlobAsync(call, stream, hash.GetHashAndReset(), 0).ConfigureAwait(false);
    }

    private static ValueTask SendBlobAsync(RpcContext call, RpcStream stream, ReadOnlyMemory<byte> blob, long remaining)
    {
        var message = new SnapshotResponse { RemainingBytes = (ulong)remaining, Blob = UnsafeByteOperations.UnsafeWrap(blob), Version = NodeVersion.EtcdStorage };
        return stream.WriteAsync(message.ToByteArray(), call.Cancellation);
    }
}
