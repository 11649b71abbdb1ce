using System.Buffers;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>Runs a recorded core again, batch by batch, and compares what comes out with what came out then. Where a part ends, the core has to be the one that the next begins with, to the last bit.</summary>
public sealed class ReplayRun : IDisposable
{
    private readonly Func<RecordingReader, RecordingReader?> _next;
    private readonly ArrayBufferWriter<byte> _scratch = new(256);
    private readonly RaftOutput _output = new();
    private bool _stopped;

    /// <param name="recording">At its beginning; disposed of with this.</param>
    /// <param name="next">The part that follows one that was read to its end, null when there is none.</param>
    /// <exception cref="RecordingException">This version builds no core from that start.</exception>
    public ReplayRun(RecordingReader recording, Func<RecordingReader, RecordingReader?>? next = null)
    {
        (Reader, _next) = (recording, next ?? (_ => null));
        (Batches, Ticks) = (recording.Start.Batches, recording.Start.Ticks);
        try
        {
            Core = RaftCore.TryLoad(recording.Start.Run.Options, recording.Core, out RaftCore? core) ? core
                : throw new RecordingException($"The core that {recording.Path} begins with cannot be loaded: it was saved by another version. Replay it with the version that recorded it.");
        }
        catch (ArgumentException e)
        {
            throw new RecordingException($"No core can have the recorded options: {e.Message}", e);
        }
    }

    /// <summary>From that part on, to the newest one that is there without a gap.</summary>
    /// <exception cref="RecordingException">The first part is no recording, or this version cannot replay it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static ReplayRun Open(string path) => new(RecordingReader.Open(path), part => RecordingDirectory.Next(part.Path) is { } next ? RecordingReader.Open(next) : null);

    /// <summary>The part that is being replayed; at the end, the last.</summary>
    public RecordingReader Reader { get; private set; }

    /// <summary>As of the last batch.</summary>
    public RaftCore Core { get; }

    /// <summary>Since the recording began, those in parts before the first included.</summary>
    public long Batches { get; private set; }

    /// <summary>Since the recording began, as <see cref="Batches"/>.</summary>
    public long Ticks { get; private set; }

    /// <summary>Runs the next batch.</summary>
    /// <returns>Null at the end of the recording, and after a difference or a failure: what would follow is another run.</returns>
    /// <exception cref="RecordingException">The recording is damaged here.</exception>
    public ReplayedBatch? Next()
    {
        _output.Clear();
        if (_stopped) return null;
        RecordedStep? step;
        while ((step = Reader.Read()) is null)
        {
            if (Reader.End != RecordingEnd.Continued || _next(Reader) is not { } part) return null;
            Reader.Dispose();
            Reader = part;
            if (IsWhereItBegins(part)) continue;
            _stopped = true;
            return new ReplayedBatch(Batches, Ticks, [], _output, $"the core that part {part.Start.Part} begins with", Failure: null);
        }

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
            if (step.Digest is null) Reader.Read();   // the end says why
            string? surprise = step.Digest is null ? null : "the core failed, which it did not then";
            return new ReplayedBatch(Batches, Ticks, step.Inputs, _output, surprise, e);
        }

        if (step.Digest is not { } then)
        {
            _stopped = true;
            Reader.Read();   // the end says why
            return new ReplayedBatch(Batches, Ticks, step.Inputs, _output, Difference: null, Failure: null);
        }

        string? difference = then.DifferenceTo(OutputDigest.Of(_output, Core, _scratch));
        _stopped = difference is not null;
        return new ReplayedBatch(Batches, Ticks, step.Inputs, _output, difference, null);
    }

    public void Dispose() => Reader.Dispose();

    private bool IsWhereItBegins(RecordingReader part)
    {
        if (part.Start.Batches != Batches || part.Start.Ticks != Ticks || part.Start.Run.Options != Reader.Start.Run.Options) return false;
        var saved = new ArrayBufferWriter<byte>(part.Core.Length + 1);
        Core.Save().Write(saved, payloads: false);
        return saved.WrittenSpan.SequenceEqual(part.Core.Span);
    }
}

/// <summary>One batch that was run again.</summary>
/// <param name="Number">The first one of the recording is 1.</param>
/// <param name="Ticks">Since the recording began, this batch included.</param>
/// <param name="Inputs">What the core was told.</param>
/// <param name="Output">What came out; good until the next batch.</param>
/// <param name="Difference">What is not as it was, in words; null when all is.</param>
/// <param name="Failure">The core broke one of its rules, then and now or only now.</param>
public sealed record ReplayedBatch(long Number, long Ticks, IReadOnlyList<RaftInput> Inputs, RaftOutput Output, string? Difference, Exception? Failure);
