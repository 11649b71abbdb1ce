using System.Buffers;
using System.Threading.Channels;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>Records what one core is told, from the moment it was built, so that the run can be replayed exactly.</summary>
/// <remarks>
/// <see cref="Step"/>, <see cref="Flush"/> and <see cref="Fail"/> are called by whoever steps the core, one at a time; they never wait for the disk. A recording is complete up to
/// its end, or it ends: when the disk cannot keep up, when the bound is reached or when a write fails it says so, once, and records no more.
/// A recording begins with the process because a core's state cannot be saved in between.
/// </remarks>
public sealed class InputRecorder : IDisposable
{
    private const int QueuedBatchesMax = 65_536, InputBytes = 96;
    private static readonly TimeSpan DisposePatience = TimeSpan.FromSeconds(5), FailPatience = TimeSpan.FromSeconds(2);

    private readonly RecorderOptions _options;
    private readonly Channel<RecordedBatch> _queue;
    private readonly RecordingWriter _writer;
    private readonly Action<string> _log;
    private readonly ArrayBufferWriter<byte> _scratch = new(256);
    private readonly Task _writing;
    private List<RaftInput> _inputs = [];
    private long _inputBytes;
    private volatile bool _ended;

    /// <summary>Opens a new file in the directory and starts the thread that writes it.</summary>
    /// <param name="options">Checked: no <see cref="RecorderOptions.Problems"/>.</param>
    /// <param name="start">What the core is built from; nothing of it may change.</param>
    /// <param name="log">Gets the few sentences that a person should see.</param>
    /// <exception cref="IOException">The directory cannot be used.</exception>
    public InputRecorder(RecorderOptions options, RecordingStart start, Action<string> log)
    {
        (_options, _log) = (options, log);
        _queue = Channel.CreateBounded<RecordedBatch>(new BoundedChannelOptions(QueuedBatchesMax) { SingleReader = true, SingleWriter = true });
        _writer = RecordingWriter.Create(options, start);
        log($"Recording inputs to {_writer.Path}, up to {_writer.BytesMax >> 20} MiB.");
        _writing = Task.Factory.StartNew(() => _writer.Run(_queue.Reader, End), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The file of this run.</summary>
    public string Path => _writer.Path;

    /// <summary>Whether it still records.</summary>
    public bool IsRecording => !_ended;

    /// <summary>The core is about to take this input.</summary>
    public void Step(in RaftInput input)
    {
        if (_ended) return;
        // The array belongs to the driver, which uses it again; the payloads never change.
        _inputs.Add(input.Kind == RaftInputKind.Propose ? RaftInput.Propose(input.Proposals.ToArray()) : input);
        _inputBytes += InputBytes + PayloadBytes(input);
    }

    /// <summary>The core was flushed into this output, which is not carried out yet.</summary>
    public void Flush(RaftOutput output, RaftCore core)
    {
        if (_ended) return;
        Enqueue(new RecordedBatch(_inputs, _inputBytes, OutputDigest.Of(output, core, _scratch), FailureOrEmpty: ""));
    }

    /// <summary>The core, or what carries its output out, failed. Waits a moment until the recording is on its way to the disk: it is what explains the failure.</summary>
    public void Fail(Exception cause)
    {
        if (_ended) return;
        Enqueue(new RecordedBatch(_inputs, _inputBytes, default, cause.Message.Length > 0 ? cause.Message : cause.GetType().Name));
        _queue.Writer.TryComplete();
        _writing.Wait(FailPatience);
    }

    /// <summary>Ends the recording orderly.</summary>
    public void Dispose()
    {
        _queue.Writer.TryComplete();
        if (!_writing.Wait(DisposePatience)) _log($"The recording {Path} is not on the disk {DisposePatience.TotalSeconds:0} s after its end; its last part may be missing.");
        else _writer.Dispose();
    }

    private void Enqueue(RecordedBatch batch)
    {
        (_inputs, _inputBytes) = ([], 0);
        if (_writer.Queued(batch.InputBytes) <= _options.QueueBytesMax && _queue.Writer.TryWrite(batch)) return;
        // A gap would make everything after it worthless, so there is none: the recording ends here.
        _writer.Reason = RecordingEnd.FellBehind;
        if (_queue.Writer.TryComplete()) End($"The recording {Path} ends here: the disk could not keep up. Consensus is not affected.");
    }

    private void End(string message)
    {
        _ended = true;
        _log(message);
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

/// <summary>One batch on its way to the disk.</summary>
/// <param name="Inputs">Owned by whoever holds the batch.</param>
/// <param name="InputBytes">Roughly what they occupy.</param>
/// <param name="Digest">Of the flush; meaningless after a failure.</param>
/// <param name="FailureOrEmpty">Why the batch has no flush.</param>
internal sealed record RecordedBatch(List<RaftInput> Inputs, long InputBytes, OutputDigest Digest, string FailureOrEmpty);
