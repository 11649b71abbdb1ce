using Conclave.Store.History;
using Conclave.Store.Requests;

namespace Conclave.Store.Watching;

/// <summary>The recent changes of one watched key or range, for all watchers of exactly that range.</summary>
/// <remarks>
/// The writer appends once however many watch; each watcher has a cursor. The ring is small: who falls behind it reads
/// the history instead. Appending happens under the hub's lock; reading takes no lock and checks afterwards that what
/// it read was not being overwritten.
/// </remarks>
internal sealed class WatchFeed(byte[] key, byte[] rangeEnd)
{
    private const int FirstSlots = 8, SlotsMax = 1024;

    private Ring? _ring;
    private long _claimed, _end;
    private bool _tooSmall;

    public byte[] Key { get; } = key;

    /// <summary>As on the wire: empty for the key alone, one zero byte for an open end.</summary>
    public byte[] RangeEnd { get; } = rangeEnd;

    public KeyRange Range => new(Key, RangeEnd);

    /// <summary>Belongs to the hub, under its lock.</summary>
    public List<Watcher> Watchers { get; } = [];

    /// <summary>Noted by the hub for the current publish.</summary>
    public bool IsTouched { get; set; }

    /// <summary>Position behind the last change.</summary>
    public long End => Volatile.Read(ref _end);

    public void Append(in Change change)
    {
        Ring ring = _ring ??= new Ring(FirstSlots, _end);
        if (Volatile.Read(ref _tooSmall) && ring.Slots.Length < SlotsMax)
            ring = Grow(ring);
        Volatile.Write(ref _claimed, _end + 1);
        // A reader that sees the new slot must see the claim as well.
        Volatile.WriteBarrier();
        ring.Slots[_end & (ring.Slots.Length - 1)] = change;
        Volatile.Write(ref _end, _end + 1);
    }

    /// <summary>The state was replaced as a whole: no cursor can go on from here.</summary>
    public void Break()
    {
        _ring = new Ring(FirstSlots, _end + 1);
        Volatile.Write(ref _claimed, _end + 1);
        Volatile.Write(ref _end, _end + 1);
    }

    /// <summary>Reads one change.</summary>
    /// <param name="position">Below <see cref="End"/>, read before.</param>
    /// <param name="change">The change.</param>
    /// <returns>False when the change is not in the ring any more.</returns>
    public bool TryRead(long position, out Change change)
    {
        Ring? ring = Volatile.Read(ref _ring);
        change = default;
        if (ring is null || position < ring.First)
            return false;
        change = ring.Slots[position & (ring.Slots.Length - 1)];
        Volatile.ReadBarrier();
        if (Volatile.Read(ref _claimed) - position <= ring.Slots.Length)
            return true;
        Volatile.Write(ref _tooSmall, true);
        return false;
    }

    private Ring Grow(Ring ring)
    {
        var larger = new Ring(ring.Slots.Length * 4, Math.Max(ring.First, _end - ring.Slots.Length));
        for (long position = larger.First; position < _end; position++)
            larger.Slots[position & (larger.Slots.Length - 1)] = ring.Slots[position & (ring.Slots.Length - 1)];
        Volatile.Write(ref _ring, larger);
        _tooSmall = false;
        return larger;
    }

    /// <param name="slots">A power of two.</param>
    /// <param name="first">The oldest position this ring ever held.</param>
    private sealed class Ring(int slots, long first)
    {
        public readonly Change[] Slots = new Change[slots];
        public readonly long First = first;
    }
}
