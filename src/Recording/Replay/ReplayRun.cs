using System.Buffers;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>Runs a recorded core again, batch by batch, and compares what comes out with what came out then.</summary>
public sealed class ReplayRun
{
    private readonly RecordingReader _recording;
    private readonly ArrayBufferWriter<byte> _scratch = new(256);
    private readonly RaftOutput _output = new();

    /// <param name="recording">At its beginning.</param>
    /// <exception cref="RecordingException">This version builds no core from that start.</exception>
    public ReplayRun(RecordingReader recording)
    {
        _recording = recording;
        try
        {
            Core = new RaftCore(recording.Start.Options, recording.Start.Recovered);
        }
        catch (Exception e) when (e is ArgumentException or InvariantViolationException)
        {
            throw new RecordingException($"No core can be built from the recorded start: {e.Message}", e);
        }
    }

    /// <summary>As of the last batch.</summary>
    public RaftCore Core { get; }

    /// <summary>Batches so far.</summary>
    public long Batches { get; private set; }

    /// <summary>Ticks so far.</summary>
    public long Ticks { get; private set; }

    /// <summary>Runs the next batch.</summary>
    /// <returns>Null at the end of the recording, and after a difference or a failure: what would follow is another run.</returns>
    /// <exception cref="RecordingException">The recording is damaged here.</exception>
    public ReplayedBatch? Next()
    {
        _output.Clear();
        if (_stopped || _recording.Read() is not { } step) return null;
        Batches++;
        Ticks += step.Inputs.Count(input => input.Kind == RaftInputKind.Tick);
        try
        {
            foreach (RaftInput input in step.Inputs) Core.Step(input, _output);
            Core.Flush(_output);
        }
        catch (InvariantViolationException e)
        {
            _stopped = true;
            if (step.Digest is null) _recording.Read();   // the end says why
            string? surprise = step.Digest is null ? null : "the core failed, which it did not then";
            return new ReplayedBatch(Batches, Ticks, step.Inputs, _output, surprise, e);
        }

        if (step.Digest is not { } then)
        {
            _stopped = true;
            _recording.Read();   // the end says why
            return new ReplayedBatch(Batches, Ticks, step.Inputs, _output, Difference: null, Failure: null);
        }

        string? difference = then.DifferenceTo(OutputDigest.Of(_output, Core, _scratch));
        _stopped = difference is not null;
        return new ReplayedBatch(Batches, Ticks, step.Inputs, _output, difference, null);
    }

    private bool _stopped;
}

/// <summary>One batch that was run again.</summary>
/// <param name="Number">The first one is 1.</param>
/// <param name="Ticks">Since the start, this batch included.</param>
/// <param name="Inputs">What the core was told.</param>
/// <param name="Output">What came out; good until the next batch.</param>
/// <param name="Difference">What is not as it was, in words; null when all is.</param>
/// <param name="Failure">The core broke one of its rules, then and now or only now.</param>
public sealed record ReplayedBatch(long Number, long Ticks, IReadOnlyList<RaftInput> Inputs, RaftOutput Output, string? Difference, Exception? Failure);
