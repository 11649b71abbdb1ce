using System.Buffers;
using Conclave.Store.History;
using Conclave.Store.Protobuf;

namespace Conclave.Store.Watching;

/// <summary>The events that go to one watcher next: references to changes, written as one message or, for a client that asked for it, in parts.</summary>
internal sealed class WatchBatch(StoreFaults faults)
{
    /// <summary>Revisions with events in one message.</summary>
    public const int RevisionsMax = 1000;

    /// <summary>
    /// A message is closed before the revision that would begin behind this many bytes. It is what a stream holds that nobody reads, so ten thousand
    /// of them hold 640 MiB; larger ones would save nothing that can be measured.
    /// </summary>
    public const int MessageBytes = 64 << 10;

    /// <summary>A client that takes fragments gets no larger message, if its events allow.</summary>
    public const int FragmentBytes = 2 << 20;

    private readonly List<Change> _changes = [];
    private Watcher? _watcher;
    private long _headerRevision, _compactRevision, _lastRevision;
    private int _revisions, _next;
    private long _bytes;

    public int Count => _changes.Count;

    /// <summary>Parts of a fragmented message still to come: nothing else may go between them.</summary>
    public bool IsPending => _next < _changes.Count;

    public long LastRevision => _lastRevision;

    /// <param name="watcher">Who gets it.</param>
    /// <param name="compactRevision">A change at or below it goes without what was there before.</param>
    public void Begin(Watcher watcher, long compactRevision)
    {
        Clear();
        _watcher = watcher;
        _compactRevision = compactRevision;
    }

    /// <summary>Adds a change unless the message is full.</summary>
    /// <returns>False when the change belongs into the next message; all of one revision are in one.</returns>
    public bool TryAdd(in Change change, long revision)
    {
        if (revision != _lastRevision)
        {
            if (_revisions == RevisionsMax || _bytes > MessageBytes)
                return false;
            _revisions++;
            _lastRevision = revision;
        }

        _changes.Insert(faults.HasFlag(StoreFaults.ReorderWatchEvents) ? 0 : _changes.Count, change);
        _bytes += EventFieldSize(change);
        return true;
    }

    public void Clear()
    {
        _changes.Clear();
        _watcher = null;
        _lastRevision = _revisions = _next = 0;
        _bytes = 0;
    }

    /// <summary>Fixes the header's revision: the last event's when more events up to the current revision follow.</summary>
    public void Close(long headerRevision) => _headerRevision = headerRevision;

    /// <summary>Writes the message, or its next part.</summary>
    public void WriteNext(IWatchSessionHost host, IBufferWriter<byte> output)
    {
        int end = _changes.Count;
        if (_watcher!.TakesFragments && _bytes > FragmentBytes)
            end = EndOfFragment();
        WatchMessage.WriteEventsHeader(host, _headerRevision, _watcher.Id, fragment: end < _changes.Count, output);
        for (; _next < end; _next++)
            WriteEvent(_changes[_next], output);
        if (_next == _changes.Count)
            Clear();
    }

    private int EndOfFragment()
    {
        long bytes = 0;
        int end = _next;
        while (end < _changes.Count)
        {
            bytes += EventFieldSize(_changes[end]);
            if (bytes > FragmentBytes && end > _next)
                break;
            end++;
        }

        return end;
    }

    private byte[]? PreviousFor(in Change change) =>
        _watcher!.WantsPrevious && change.Previous is not null && change.Revision > _compactRevision ? change.Previous : null;

    private int EventSize(in Change change, byte[]? previous) =>
        (change.IsDelete ? 2 : 0) + Varint.BytesFieldSize(change.Wire.Length) + (previous is null ? 0 : Varint.BytesFieldSize(previous.Length));

    private int EventFieldSize(in Change change) => Varint.BytesFieldSize(EventSize(change, PreviousFor(change)));

    private void WriteEvent(in Change change, IBufferWriter<byte> output)
    {
        byte[]? previous = PreviousFor(change);
        int size = EventSize(change, previous);
        Span<byte> span = output.GetSpan(Varint.BytesFieldSize(size));
        span[0] = WatchMessage.EventsTag;
        int at = Varint.Write(span, 1, (uint)size);
        if (change.IsDelete)
            at = Varint.WriteLong(span, at, WatchMessage.EventTypeTag, 1);
        at = Varint.WriteBytes(span, at, WatchMessage.EventKvTag, change.Wire);
        if (previous is not null)
            at = Varint.WriteBytes(span, at, WatchMessage.EventPreviousTag, previous);
        output.Advance(at);
    }
}
