using System.Buffers;
using System.Threading.Channels;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>Records what one core is told, in parts of which each begins with the saved core, so that the newest part of the run can be replayed exactly, however long it lasts.</summary>
/// <remarks>
/// <see cref="Step"/>, <see cref="Flush"/> and <see cref="Fail"/> are called by whoever steps the core, one at a time; they never wait for the disk. A recording has no gap: when the
/// disk cannot keep up, or a write fails, it ends there, says so once, and after a pause another one begins with the core as it is then.
/// </remarks>
public sealed class InputRecorder : IDisposable
{
    private const int QueuedBatchesMax = 65_536, InputBytes = 128;
    private static readonly TimeSpan DisposePatience = TimeSpan.FromSeconds(5), FailPatience = TimeSpan.FromSeconds(2);

    private readonly RecorderOptions _options;
    private readonly Channel<RecordedBatch> _queue;
    private readonly RecordingWriter _writer;
    private readonly Action<string> _log;
    private readonly ArrayBufferWriter<byte> _scratch = new(256);
    private readonly Task _writing;
    private List<RaftInput> _inputs = [];
    private long _inputBytes;
    private long _partsAsked, _bytesSinceAsked; // parts begun, were everything written that was queued; and what was queued since
    private long _resumeAt; // while paused
    private int _stopsSeen; // of the writer, when the present run was asked for
    private volatile bool _isPaused, _isOver;

    /// <summary>Opens a new file in the directory and starts the thread that writes it.</summary>
    /// <param name="options">Checked: no <see cref="RecorderOptions.Problems"/>.</param>
    /// <param name="start">For the head of each part.</param>
    /// <param name="core">As it is before the first input that is recorded.</param>
    /// <param name="log">Gets the few sentences that a person should see.</param>
    /// <exception cref="IOException">The directory cannot be used.</exception>
    public InputRecorder(RecorderOptions options, RecordingStart start, RaftCore core, Action<string> log)
    {
        (_options, _log) = (options, log);
        _queue = Channel.CreateBounded<RecordedBatch>(new BoundedChannelOptions(QueuedBatchesMax) { SingleReader = true, SingleWriter = true });
        _writer = new RecordingWriter(options, start, log);
        _writer.BeginRun(core.Save());
        _partsAsked = _writer.PartsBegun;
        if (_writer.Stops == 0) log($"Recording inputs to {_writer.Path}, and keeping the newest {options.BytesMax >> 20} MiB.");
        _writing = Task.Factory.StartNew(() => _writer.Run(_queue.Reader), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The part that is being written, or was last.</summary>
    public string Path => _writer.Path;

    /// <summary>Whether it records at this moment.</summary>
    public bool IsRecording => !_isPaused && !_isOver && _writer.Stops == _stopsSeen;

    /// <summary>Bytes, or a little more, that wait to be written.</summary>
    internal long Queued => _writer.Queued;

    /// <summary>The core is about to take this input.</summary>
    public void Step(in RaftInput input)
    {
        if (_isPaused || _isOver) return;
        // The array belongs to the driver, which uses it again; the payloads never change.
        _inputs.Add(input.Kind == RaftInputKind.Propose ? RaftInput.Propose(input.Proposals.ToArray()) : input);
        _inputBytes += InputBytes + PayloadBytes(input);
    }

    /// <summary>The core was flushed into this output, which is not carried out yet.</summary>
    public void Flush(RaftOutput output, RaftCore core)
    {
        if (_isOver) return;
        if (!_isPaused && _writer.Stops != _stopsSeen) Pause();
        if (_isPaused)
        {
            ResumeWhenDue(core);
            return;
        }

        var batch = new RecordedBatch(_inputs, _inputBytes, OutputDigest.Of(output, core, _scratch), FailureOrEmpty: "", IsPartFull() ? core.Save() : null);
        if (!TryEnqueue(batch))
        {
            // A gap would make everything after it worthless, so there is none: the recording ends here.
            Pause();
            _log($"The recording {Path} ends here: the disk could not keep up. Another one begins in {_options.PauseLength.TotalSeconds:0} s. Consensus is not affected.");
        }
    }

    /// <summary>The core, or what carries its output out, failed. Waits a moment until the recording is on its way to the disk: it is what explains the failure.</summary>
    public void Fail(Exception cause)
    {
        if (_isOver) return;
        if (!_isPaused) TryEnqueue(new RecordedBatch(_inputs, _inputBytes, default, cause.Message.Length > 0 ? cause.Message : cause.GetType().Name, After: null));
        _isOver = true;
        _queue.Writer.TryComplete();
        _writing.Wait(FailPatience);
    }

    /// <summary>Ends the recording orderly.</summary>
    public void Dispose()
    {
        if (_isPaused) _writer.Reason = RecordingEnd.FellBehind;
        _isOver = true;
        _queue.Writer.TryComplete();
        if (!_writing.Wait(DisposePatience)) _log($"The recording {Path} is not on the disk {DisposePatience.TotalSeconds:0} s after its end; its last part may be missing.");
        else _writer.Dispose();
    }

    /// <summary>A part is measured where it is written; what is queued counts as if it were, and if a part is begun by something in the queue, only what was queued behind it.</summary>
    private bool IsPartFull()
    {
        long bytes = _writer.PartsBegun == _partsAsked ? _writer.PartBytes + _writer.Queued + _inputBytes : _bytesSinceAsked + _inputBytes;
        // As much as the core has, or most of what is kept would be cores; but what is left has to be enough for the part.
        long saved = _writer.SavedBytes;
        return bytes >= Math.Max(_options.PartBytes, Math.Min(saved, (_options.BytesMax - saved) / 2));
    }

    private bool TryEnqueue(RecordedBatch batch)
    {
        (_inputs, _inputBytes) = ([], 0);
        _bytesSinceAsked += batch.InputBytes;
        if (batch.After is not null) (_partsAsked, _bytesSinceAsked) = (_partsAsked + 1, 0);
        if (_writer.Queue(batch.InputBytes) <= _options.QueueBytesMax && _queue.Writer.TryWrite(batch)) return true;
        _writer.Queue(-batch.InputBytes);
        return false;
    }

    private void Pause()
    {
        _isPaused = true;
        (_inputs, _inputBytes) = ([], 0);
        _resumeAt = _options.Time.GetTimestamp() + (long)(_options.PauseLength.TotalSeconds * _options.Time.TimestampFrequency);
    }

    private void ResumeWhenDue(RaftCore core)
    {
        if (_options.Time.GetTimestamp() < _resumeAt || _writer.Queued > 0) return;
        (_partsAsked, _stopsSeen) = (_writer.PartsBegun, _writer.Stops);
        _isPaused = !TryEnqueue(new RecordedBatch([], 0, default, FailureOrEmpty: "", core.Save(), BeginsRun: true));
        if (_isPaused) Pause();
    }

    private static long PayloadBytes(in RaftInput input)
    {
        long bytes = 0;
        if (input.Message is AppendRequest append)
        {
            foreach (ref readonly Entry entry in append.Entries.Span) bytes += entry.Payload.Length + 16;
        }

        foreach (ref readonly Proposal proposal in input.Proposals.Span) bytes += proposal.Payload.Length + 16;
        return bytes;
    }
}
