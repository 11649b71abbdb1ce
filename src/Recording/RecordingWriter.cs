using System.Globalization;
using System.Threading.Channels;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>Why a recording ends. The numbers are part of the format.</summary>
public enum RecordingEnd : byte
{
    /// <summary>The process was killed: there is no end.</summary>
    Killed = 0,

    /// <summary>The node stopped in order.</summary>
    Stopped = 1,

    /// <summary>It is as large as it may be.</summary>
    BoundReached = 2,

    /// <summary>The disk could not keep up.</summary>
    FellBehind = 3,

    /// <summary>The core or its driver failed; the text says how.</summary>
    CoreFailed = 4,
}

/// <summary>Writes one recording on a thread of its own.</summary>
internal sealed class RecordingWriter : IDisposable
{
    /// <summary>Room for the last block.</summary>
    private const int EndBytes = 4096, EntriesBytes = 1 << 20;

    private readonly FileStream _file;
    private readonly RecordingStart _start;
    private readonly BodyWriter _body = new();
    private long _written, _queued;

    private RecordingWriter(FileStream file, RecordingStart start, long bytesMax) => (_file, _start, BytesMax) = (file, start, bytesMax);

    public string Path => _file.Name;

    /// <summary>Of this file.</summary>
    public long BytesMax { get; }

    /// <summary>Written into the end when the queue was completed for another reason than an orderly stop.</summary>
    public RecordingEnd Reason { get; set; } = RecordingEnd.Stopped;

    /// <summary>Makes room by deleting the oldest recordings, and creates the file.</summary>
    public static RecordingWriter Create(RecorderOptions options, RecordingStart start)
    {
        Directory.CreateDirectory(options.Directory);
        RecordingDirectory.Prune(options.Directory, start.Options.Self, options.BytesMax / 2);
        DateTimeOffset now = options.Time.GetUtcNow();
        string name = string.Create(CultureInfo.InvariantCulture, $"{now:yyyyMMdd'T'HHmmss.fffffff}{RecordingDirectory.NameEnd(start.Options.Self)}");
        FileStream file = new(System.IO.Path.Combine(options.Directory, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16);
        return new RecordingWriter(file, start, options.BytesMax / 2);
    }

    /// <summary>Counts bytes that are going to be queued.</summary>
    /// <returns>All bytes in the queue.</returns>
    public long Queued(long bytes) => Interlocked.Add(ref _queued, bytes);

    /// <param name="queue">Ends when it is completed.</param>
    /// <param name="onEnd">The recording ended before the run; gets the reason.</param>
    public void Run(ChannelReader<RecordedBatch> queue, Action<string> onEnd)
    {
        try
        {
            if (!WriteStart())
            {
                onEnd($"Nothing is recorded: the state at the start alone has more than {BytesMax >> 20} MiB. Allow more with --record-inputs-max-bytes.");
                return;
            }

            while (queue.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                while (queue.TryRead(out RecordedBatch? batch))
                {
                    if (!Write(batch))
                    {
                        onEnd($"The recording {Path} has reached its bound of {BytesMax >> 20} MiB and ends here. It can be replayed; allow more with --record-inputs-max-bytes.");
                        return;
                    }
                }

                _file.Flush();   // to the kernel: what survives is what the process gave it
            }

            WriteEnd(Reason, "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            onEnd($"The recording {Path} ends here: {e.Message}");
        }
    }

    public void Dispose() => _file.Dispose();

    private bool WriteStart()
    {
        _file.Write(RecordingFormat.Magic);
        _written = RecordingFormat.Magic.Length;
        StartCodec.Write(_body, _start);
        if (!TryBlock(BlockKind.Start)) return false;
        foreach (Entry entry in _start.Recovered.Entries)
        {
            _body.Entry(entry);
            if (_body.Length >= EntriesBytes && !TryBlock(BlockKind.Entries)) return false;
        }

        if (_body.Length > 0 && !TryBlock(BlockKind.Entries)) return false;
        _file.Flush();
        return true;
    }

    /// <returns>False when the bound is reached; the end is written then.</returns>
    private bool Write(RecordedBatch batch)
    {
        Interlocked.Add(ref _queued, -batch.InputBytes);
        bool failed = batch.FailureOrEmpty.Length > 0;
        if (!failed)
        {
            OutputDigest digest = batch.Digest;
            foreach (uint part in (ReadOnlySpan<uint>)[digest.Messages, digest.Writes, digest.Committed, digest.Answers, digest.State]) _body.Fixed32(part);
        }

        InputCodec.Write(_body, batch.Inputs);
        if (!TryBlock(failed ? BlockKind.Unfinished : BlockKind.Batch))
        {
            WriteEnd(RecordingEnd.BoundReached, "");
            return false;
        }

        if (failed)
        {
            Reason = RecordingEnd.CoreFailed;
            WriteEnd(Reason, batch.FailureOrEmpty);
        }

        return true;
    }

    private void WriteEnd(RecordingEnd reason, string text)
    {
        if (_ended) return;
        _ended = true;
        _body.Clear();
        _body.Byte((byte)reason);
        _body.Text(text.Length > EndBytes / 4 ? text[..(EndBytes / 4)] : text);
        RecordingFormat.WriteBlock(_file, BlockKind.End, _body.Body);
        _file.Flush();
    }

    private bool _ended;

    private bool TryBlock(BlockKind kind)
    {
        long bytes = RecordingFormat.BlockHeaderBytes + _body.Length;
        bool fits = _written + bytes + EndBytes <= BytesMax && _body.Length <= RecordingFormat.BodyBytesMax;
        if (fits)
        {
            RecordingFormat.WriteBlock(_file, kind, _body.Body);
            _written += bytes;
        }

        _body.Clear();
        return fits;
    }
}
