using System.Buffers.Binary;
using System.Security.Cryptography;
using Conclave.Node.Services;
using Conclave.Store;

namespace Conclave.Node.Restoring;

/// <summary>A file that <c>conclave backup</c> or <c>etcdctl snapshot save</c> wrote, drawn in <see cref="SnapshotDownload"/>.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Of everything before the trailer, in hex; the trailer says the same.</param>
public sealed record BackupFile(string Path, long Bytes, string Sha256)
{
    private const uint BoltMagic = 0xED0C_DAED;
    private const int BoltMagicOffset = 16;

    /// <summary>Reads the whole file once and compares it with its checksum.</summary>
    /// <exception cref="BackupException">It cannot be read, or is no whole backup.</exception>
    public static BackupFile Open(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            long content = file.Length - SHA256.HashSizeInBytes;
            RefuseBolt(path, file);
            if (content <= 0 || content % SnapshotDownload.PadTo != 0)
                throw new BackupException($"{path} has {file.Length} bytes, and a backup is a multiple of {SnapshotDownload.PadTo} and {SHA256.HashSizeInBytes} more: it was cut short, or is something else. Take another one: conclave backup.");
            byte[] found = HashOf(file, content), expected = new byte[SHA256.HashSizeInBytes];
            file.ReadExactly(expected);
            if (!found.AsSpan().SequenceEqual(expected))
                throw new BackupException($"{path} is damaged: its content has SHA-256 {Convert.ToHexStringLower(found)}, and it was written with {Convert.ToHexStringLower(expected)}. Use another copy of it.");
            return new BackupFile(path, file.Length, Convert.ToHexStringLower(found));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new BackupException($"{path} cannot be read: {problem.Message}", problem);
        }
    }

    /// <summary>Loads the state, which checks itself on the way.</summary>
    /// <exception cref="BackupException">It was written by another version, or by something else.</exception>
    public KeyValueStore Load()
    {
        try
        {
            using FileStream file = File.OpenRead(Path);
            using var content = new Part(file, Bytes - SHA256.HashSizeInBytes);
            return KeyValueStore.LoadPadded(content, new StoreOptions(), SnapshotDownload.PadTo - 1);
        }
        catch (StoreDamagedException problem)
        {
            throw new BackupException($"{Path} is whole, but this version cannot use it: {problem.What} (byte {problem.Offset}). Restore it with the version that wrote it, or a later one.", problem);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new BackupException($"{Path} cannot be read: {problem.Message}", problem);
        }
    }

    private static void RefuseBolt(string path, FileStream file)
    {
        Span<byte> start = stackalloc byte[BoltMagicOffset + sizeof(uint)];
        int read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        file.Position = 0;
        if (read == start.Length && BinaryPrimitives.ReadUInt32LittleEndian(start[BoltMagicOffset..]) == BoltMagic)
            throw new BackupException($"{path} is a database of etcd's, and only etcd can read it. To move, start etcd on it (etcdctl snapshot restore) and copy the keys: etcdctl make-mirror.");
    }

    private static byte[] HashOf(FileStream file, long bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        while (bytes > 0)
        {
            int part = (int)Math.Min(buffer.Length, bytes);
            file.ReadExactly(buffer, 0, part);
            hash.AppendData(buffer, 0, part);
            bytes -= part;
        }

        return hash.GetHashAndReset();
    }

    /// <summary>The first bytes of a stream.</summary>
    private sealed class Part(Stream whole, long bytes) : Stream
    {
        private long _left = bytes;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            int read = whole.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
            _left -= read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
