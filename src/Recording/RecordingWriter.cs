using System.Threading.Channels;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>Writes the parts of recordings, one after the other, on a thread of its own.</summary>
internal sealed class RecordingWriter : IDisposable
{
    /// <summary>Room for the last block of a part.</summary>
    private const int EndBytes = 4096;

    private readonly RecorderOptions _options;
    private readonly RecordingFiles _files;
    private readonly RecordingStart _start;
    private readonly Action<string> _log;
    private readonly BodyWriter _body = new();
    private FileStream? _file;
    private string _path = "";
    private DateTimeOffset _run;
    private long _part, _batches, _ticks, _written;
    private bool _saidStopped;

    // Read by the recorder.
    private long _queued, _partBytes, _savedBytes, _partsBegun;
    private int _stops;

    public RecordingWriter(RecorderOptions options, RecordingStart start, Action<string> log)
    {
        (_options, _start, _log) = (options, start, log);
        _files = new RecordingFiles(options, start.Options.Self);
    }

    /// <summary>Of the part that is being written, or was last.</summary>
    public string Path => Volatile.Read(ref _path);

    /// <summary>Bytes of batches that wait to be written.</summary>
    public long Queued => Volatile.Read(ref _queued);

    /// <summary>Bytes of the present part behind its saved core.</summary>
    public long PartBytes => Volatile.Read(ref _partBytes);

    /// <summary>Bytes of the newest saved core.</summary>
    public long SavedBytes => Volatile.Read(ref _savedBytes);

    /// <summary>Parts begun so far, in all runs.</summary>
    public long PartsBegun => Volatile.Read(ref _partsBegun);

    /// <summary>How often it could not go on. Since then it waits for what begins another run.</summary>
    public int Stops => Volatile.Read(ref _stops);

    /// <summary>Written into the end when the queue was completed for another reason than an orderly stop.</summary>
    public RecordingEnd Reason { get; set; } = RecordingEnd.Stopped;

    /// <summary>Counts bytes that are going to be queued, or are not after all.</summary>
    /// <returns>All bytes in the queue.</returns>
    public long Queue(long bytes) => Interlocked.Add(ref _queued, bytes);

    /// <summary>The first part of a run.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void BeginRun(SavedCore core)
    {
        Finish(RecordingEnd.FellBehind, "");
        (_run, _part, _batches, _ticks) = (_options.Time.GetUtcNow(), 0, 0, 0);
        while (File.Exists(_files.PathOf(_run, 0))) _run = _run.AddTicks(1);   // a clock that was set back, or stands
        BeginPart(core);
        if (_file is null || !_saidStopped) return;
        _saidStopped = false;
        _log($"Recording inputs again, to {_path}.");
    }

    /// <param name="queue">Ends when it is completed.</param>
    public void Run(ChannelReader<RecordedBatch> queue)
    {
        while (queue.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            Try(() =>
            {
                while (queue.TryRead(out RecordedBatch? batch))
                {
                    Interlocked.Add(ref _queued, -batch.InputBytes);
                    if (batch.BeginsRun) BeginRun(batch.After!);   // it is nothing else
                    else if (_file is not null) Write(batch);
                }

                _file?.Flush();   // to the kernel: what survives is what the process gave it
            });
        }

        Try(() => Finish(Reason, ""));
    }

    public void Dispose() => _file?.Dispose();

    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            Abandon(e.Message);
        }
    }

    /// <summary>Nothing more goes into this part, not even an end.</summary>
    private void Abandon(string why)
    {
        if (_file is { } file)
        {
            // Writes what it still holds, or fails once more.
            Quietly(file.Dispose);
            // A part without a name is worth nothing; one with a name counts, whatever is in it.
            Quietly(() => File.Delete(_path + RecordingDirectory.UnfinishedExtension));
            Quietly(() =>
            {
                if (File.Exists(_path)) _files.Finished(_path, new FileInfo(_path).Length);
            });
        }

        _file = null;
        StopUntilRestart(why);
    }

    private static void Quietly(Action what)
    {
        try
        {
            what();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The disk failed before this, which has been said, or is about to be.
        }
    }

    private void StopUntilRestart(string why)
    {
        Volatile.Write(ref _stops, _stops + 1);
        if (_saidStopped) return;
        _saidStopped = true;
        _log($"Recording inputs stops: {why} It is tried again every {_options.PauseLength.TotalSeconds:0} s. Consensus is not affected.");
    }

    /// <summary>Written under another name until the core is in it, so that a part which can be seen can be replayed.</summary>
    private void BeginPart(SavedCore core)
    {
        PartStart head = new(_start, _options.Time.GetUtcNow().ToUnixTimeMilliseconds(), _part, _batches, _ticks);
        StartCodec.Write(_body, head);
        byte[] start = _body.Body.ToArray();
        _body.Clear();
        core.Write(_body.Buffer, payloads: false);
        long bytes = RecordingFormat.Magic.Length + 2 * RecordingFormat.BlockHeaderBytes + start.Length + _body.Length;
        try
        {
            if (_body.Length > RecordingFormat.BodyBytesMax || !_files.MakeRoom(bytes + EndBytes))
            {
                StopUntilRestart($"the state of the core alone has {_body.Length >> 10} KiB, and all of it together may have {_files.BytesMax >> 10}. Allow more with --record-inputs-max-bytes.");
                return;
            }

            string path = _files.PathOf(_run, _part), unfinished = path + RecordingDirectory.UnfinishedExtension;
            _path = path;
            _file = new FileStream(unfinished, FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete, bufferSize: 1 << 16);
            _file.Write(RecordingFormat.Magic);
            RecordingFormat.WriteBlock(_file, BlockKind.Start, start);
            RecordingFormat.WriteBlock(_file, BlockKind.Core, _body.Body);
            _file.Flush();
            File.Move(unfinished, path);
            _written = bytes;
            Volatile.Write(ref _savedBytes, _body.Length);
            Volatile.Write(ref _partBytes, 0);
            Volatile.Write(ref _partsBegun, _partsBegun + 1);
        }
        finally
        {
            _body.Clear();
        }
    }

    private void Write(RecordedBatch batch)
    {
        bool failed = batch.FailureOrEmpty.Length > 0;
        if (!failed)
        {
            OutputDigest digest = batch.Digest;
            foreach (uint part in (ReadOnlySpan<uint>)[digest.Messages, digest.Writes, digest.Committed, digest.Answers, digest.State]) _body.Fixed32(part);
        }

        InputCodec.Write(_body, batch.Inputs);
        if (!TryBlock(failed ? BlockKind.Unfinished : BlockKind.Batch, out long bytes))
        {
            string stop = $"a batch of {bytes >> 10} KiB has no room behind the {_written >> 10} KiB of its part, as all of it together may have {_files.BytesMax >> 10}. Allow more with --record-inputs-max-bytes.";
            Finish(RecordingEnd.TooLarge, "");
            StopUntilRestart(stop);
            return;
        }

        _batches++;
        foreach (RaftInput input in batch.Inputs)
            if (input.Kind == RaftInputKind.Tick) _ticks++;
        if (failed) Finish(RecordingEnd.CoreFailed, batch.FailureOrEmpty);
        if (batch.After is not { } core) return;
        Finish(RecordingEnd.Continued, "");
        _part++;
        BeginPart(core);
    }

    /// <summary>Ends the part, if there is one.</summary>
    private void Finish(RecordingEnd reason, string text)
    {
        if (_file is null) return;
        _body.Clear();
        _body.Byte((byte)reason);
        _body.Text(text.Length > EndBytes / 4 ? text[..(EndBytes / 4)] : text);
        RecordingFormat.WriteBlock(_file, BlockKind.End, _body.Body);
        _written += RecordingFormat.BlockHeaderBytes + _body.Length;
        _body.Clear();
        _file.Flush();
        _file.Dispose();
        _file = null;
        _files.Finished(_path, _written);
    }

    private bool TryBlock(BlockKind kind, out long bytes)
    {
        bytes = RecordingFormat.BlockHeaderBytes + _body.Length;
        bool fits = _body.Length <= RecordingFormat.BodyBytesMax && _files.MakeRoom(_written + bytes + EndBytes);
        if (fits)
        {
            RecordingFormat.WriteBlock(_file!, kind, _body.Body);   // asked by the caller
            _written += bytes;
            Volatile.Write(ref _partBytes, _partBytes + bytes);
        }

        _body.Clear();
        return fits;
    }
}
