using System.Collections.Immutable;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Watching;

/// <summary>How far a watch has come: turns the server's messages into updates and knows where to resume. No I/O.</summary>
internal sealed class WatchPosition(KeyRange range, WatchOptions options)
{
    private const string StatusPrefix = "rpc error: code = ", StatusText = " desc = ";
    private bool _startReported;

    /// <summary>First revision not yet seen; 0 until the server has said where "now" is.</summary>
    public long Next { get; private set; } = options.StartRevision;

    /// <summary>True once a server has taken the watch.</summary>
    public bool Started { get; private set; }

    /// <summary>The request that makes this watch, or resumes it.</summary>
    public WatchRequest Request()
    {
        WatchCreateRequest create = new()
        {
            Key = range.Key.ToByteString(),
            RangeEnd = range.End.ToByteString(),
            StartRevision = Next,
            PrevKv = options.ReturnPrevious,
            // Asked for even when it is not reported: it moves the place to resume from, out of reach of compactions.
            ProgressNotify = true,
        };
        if (options.SkipPuts) create.Filters.Add(WatchCreateRequest.Types.FilterType.Noput);
        if (options.SkipDeletes) create.Filters.Add(WatchCreateRequest.Types.FilterType.Nodelete);
        return new WatchRequest { CreateRequest = create };
    }

    /// <summary>Takes one message; null when it holds nothing to report.</summary>
    /// <exception cref="ConclaveException">The message ends the watch for good.</exception>
    public WatchUpdate? Accept(WatchResponse response)
    {
        if (response.Canceled) throw Ended(response);
        if (response.Created) return Begin(response.Header.Revision);
        if (response.Events.Count == 0) return Progress(response.Header.Revision);

        ImmutableArray<WatchEvent>.Builder events = ImmutableArray.CreateBuilder<WatchEvent>(response.Events.Count);
        foreach (Event wire in response.Events)
        {
            // A server that repeats itself after a reconnection must not make the caller see a change twice.
            if (wire.Kv.ModRevision >= Next) events.Add(Convert(wire));
        }

        if (events.Count == 0) return null;
        long last = events[^1].Revision;
        Next = last + 1;
        return new WatchUpdate(last, events.DrainToImmutable());
    }

    private WatchUpdate? Begin(long revision)
    {
        Started = true;
        // "Now" is decided once, by the first server; a second one may already have moved on.
        if (Next == 0) Next = revision + 1;
        if (_startReported || !options.ReportStart) return null;
        _startReported = true;
        return new WatchUpdate(Next - 1, []);
    }

    private WatchUpdate? Progress(long revision)
    {
        if (revision < Next) return null;   // a member that lags behind the one before knows nothing new
        Next = revision + 1;
        return options.ReportProgress ? new WatchUpdate(revision, []) : null;
    }

    private ConclaveException Ended(WatchResponse response)
    {
        string reason = response.CancelReason;
        if (response.CompactRevision > 0 || reason == EtcdErrors.Compacted.Message)
        {
            return new CompactedException(
                $"Revision {Next} is no longer kept; the oldest is {response.CompactRevision}. Read the current state and watch from its revision + 1.",
                response.CompactRevision);
        }

        if (reason.Length == 0) return new ConclaveException(GrpcCode.Canceled, "The server cancelled the watch without a reason.");
        int text = reason.IndexOf(StatusText, StringComparison.Ordinal);
        if (reason.StartsWith(StatusPrefix, StringComparison.Ordinal) && text > 0
            && Enum.TryParse(reason.AsSpan(StatusPrefix.Length..text), out GrpcCode code))
            return new ConclaveException(code, reason[(text + StatusText.Length)..]);
        return new ConclaveException(GrpcCode.InvalidArgument, reason);
    }

    private static WatchEvent Convert(Event wire) => new(
        wire.Type == Event.Types.EventType.Put ? WatchEventKind.Put : WatchEventKind.Delete,
        KeyValue.Of(wire.Kv),
        wire.PrevKv is { } previous ? KeyValue.Of(previous) : null);
}
