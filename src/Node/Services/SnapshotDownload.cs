using System.Security.Cryptography;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
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
    internal const int AtOnceMax = 2;

    /// <summary>What has to be left for the log: about what it grows by before it is shortened.</summary>
    internal const long LogRoomBytes = 128 << 20;

    private static readonly TimeSpan TurnPatience = TimeSpan.FromSeconds(30), ReaderPatience = TimeSpan.FromSeconds(60);

    private readonly ServiceContext _context;
    private readonly SemaphoreSlim _turns = new(AtOnceMax);
    private readonly SemaphoreSlim _writing = new(1);   // one at a time, or two would count on the same free space

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
        ReadOnlyMemory<byte> request = await stream.ReadAsync(call.Cancellation).ConfigureAwait(false)
            ?? throw new GrpcException(GrpcCode.Internal, "the request holds no message");
        _ = LeaseService.Parse(SnapshotRequest.Parser, request);   // nothing is in it; an answer to what was never asked would reach a client that is still about to ask
        await _context.Auth.RequireAdminAsync(call).ConfigureAwait(false);   // everything is in it, password hashes and the secret of the tokens too
        await TakeTurnAsync(_turns, TurnPatience, call.Cancellation).ConfigureAwait(false);
        try
        {
            await SaveAndSendAsync(call, stream).ConfigureAwait(false);
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <exception cref="GrpcException">Others take too long. Whoever waits here holds nothing, but cannot know either how long it would be.</exception>
    internal static async ValueTask TakeTurnAsync(SemaphoreSlim turns, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (!await turns.WaitAsync(patience, cancellationToken).ConfigureAwait(false))
            throw new GrpcException(GrpcCode.Unavailable, $"conclave: {AtOnceMax} snapshots are being sent already, and none ended in {patience.TotalSeconds:0} s; try again later, or ask another member");
    }

    /// <exception cref="GrpcException">The file would leave too little for the log, and a member whose log cannot grow stops all writes.</exception>
    internal static void RequireRoom(long stateBytes, long freeBytes, string dataDir)
    {
        if (freeBytes - LogRoomBytes < stateBytes)
            throw new GrpcException(GrpcCode.ResourceExhausted,
                $"conclave: a snapshot is about {stateBytes} bytes and is written into {dataDir} first, where {freeBytes} are free, of which {LogRoomBytes} are left to the log; make room there, or ask another member");
    }

    private async ValueTask SaveAndSendAsync(RpcContext call, RpcStream stream)
    {
        string dataDir = Path.GetFullPath(_context.Options.DataDir);
        string path = Path.Combine(_context.Options.DataDir, $"{Prefix}{Guid.NewGuid():N}{Suffix}");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 64 << 10, Options = FileOptions.DeleteOnClose };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var file = new FileStream(path, options);
        await using (file.ConfigureAwait(false))
        {
            await _writing.WaitAsync(call.Cancellation).ConfigureAwait(false);
            try
            {
                RequireRoom(_context.View.SizeBytes, new DriveInfo(dataDir).AvailableFreeSpace, dataDir);
                KeyValueStore.Save(_context.View, file);
                file.Write(new byte[(PadTo - file.Length % PadTo) % PadTo]);
                file.Flush();
            }
            finally
            {
                _writing.Release();
            }

            file.Position = 0;
            await SendAsync(call, stream, file, ReaderPatience).ConfigureAwait(false);
        }
    }

    /// <exception cref="GrpcException">The client has taken nothing for so long: the next one gets its turn, and the disk its room.</exception>
    internal static async ValueTask SendAsync(RpcContext call, RpcStream stream, Stream file, TimeSpan patience)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
        long remaining = file.Length + SHA256.HashSizeInBytes;
        byte[] blob = new byte[BlobBytesMax];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        while (file.Position < file.Length)
        {
            int read = await file.ReadAtLeastAsync(blob, (int)Math.Min(blob.Length, file.Length - file.Position), cancellationToken: call.Cancellation).ConfigureAwait(false);
            hash.AppendData(blob, 0, read);
            remaining -= read;
            await SendBlobAsync(stream, blob.AsMemory(0, read), remaining, limit, patience).ConfigureAwait(false);
        }

        await SendBlobAsync(stream, hash.GetHashAndReset(), 0, limit, patience).ConfigureAwait(false);
    }

    private static async ValueTask SendBlobAsync(RpcStream stream, ReadOnlyMemory<byte> blob, long remaining, CancellationTokenSource limit, TimeSpan patience)
    {
        var message = new SnapshotResponse { RemainingBytes = (ulong)remaining, Blob = UnsafeByteOperations.UnsafeWrap(blob), Version = NodeVersion.EtcdStorage };
        ValueTask writing = stream.WriteAsync(message.ToByteArray(), limit.Token);
        if (writing.IsCompletedSuccessfully) return;
        Task written = writing.AsTask();
        try
        {
            await written.WaitAsync(patience, limit.Token).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await limit.CancelAsync().ConfigureAwait(false);
            await written.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);   // it ends by the token, and nothing may write after this
            throw new GrpcException(GrpcCode.DeadlineExceeded, $"conclave: nothing of the snapshot was taken for {patience.TotalSeconds:0} s, so it was given up; take it again");
        }
    }
}
