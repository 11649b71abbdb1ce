using System.Diagnostics.CodeAnalysis;

namespace Conclave.Store.History;

/// <summary>The versions of a key that has more than one, oldest first.</summary>
/// <remarks>
/// The writer appends in place while readers of older views look on: a version is written before the count that
/// shows it, and a reader passes over versions newer than its revision. Nothing is ever taken out; compaction puts
/// a new history into a new leaf, so that a view held for long still finds everything it could see when it was taken.
/// </remarks>
internal sealed class KeyHistory
{
    private readonly byte[] _keySource;
    private KeyVersion[] _versions;
    private int _count;

    public KeyHistory(byte[] first, byte[] second)
    {
        _keySource = first;
        _versions = new KeyVersion[2];
        _versions[0] = new KeyVersion(first);
        _versions[1] = new KeyVersion(second);
        _count = 2;
    }

    /// <summary>A copy of what compaction keeps; at least two versions.</summary>
    public KeyHistory(ReadOnlySpan<KeyVersion> kept)
    {
        _versions = new KeyVersion[kept.Length];
        kept.CopyTo(_versions);
        _count = kept.Length;
        _keySource = kept[0].Wire;
    }

    public ReadOnlySpan<byte> Key => KeyValueWire.Key(_keySource);

    /// <summary>Everything published so far, and perhaps more.</summary>
    public ReadOnlySpan<KeyVersion> Versions
    {
        get
        {
            // The count first: an array read later holds at least that many versions.
            int count = Volatile.Read(ref _count);
            return _versions.AsSpan(0, count);
        }
    }

    /// <summary>The newest version, a tombstone perhaps. For the writer.</summary>
    public byte[] Newest => _versions[_count - 1].Wire;

    /// <summary>For the writer.</summary>
    public void Append(byte[] wire)
    {
        var version = new KeyVersion(wire);
        Invariant.Holds(version.Revision > _versions[_count - 1].Revision, "A key changes at most once per revision.");
        if (_count == _versions.Length)
        {
            var larger = new KeyVersion[_count * 2];
            _versions.AsSpan().CopyTo(larger);
            Volatile.Write(ref _versions, larger);
        }

        _versions[_count] = version;
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>The newest version at or below a revision, a tombstone perhaps.</summary>
    public bool TryAt(long revision, [NotNullWhen(true)] out byte[]? wire)
    {
        ReadOnlySpan<KeyVersion> versions = Versions;
        int index = IndexAt(versions, revision);
        wire = index < 0 ? null : versions[index].Wire;
        return wire is not null;
    }

    /// <summary>The versions that can be read up to a revision when an earlier one is compacted.</summary>
    /// <remarks>What is still in memory below the compacted revision differs between members and says nothing.</remarks>
    public ReadOnlySpan<KeyVersion> Readable(long compactRevision, long revision)
    {
        ReadOnlySpan<KeyVersion> versions = Versions;
        int first = IndexAt(versions, compactRevision), end = IndexAt(versions, revision) + 1;
        if (first < 0)
            first = 0;
        else if (KeyValueWire.IsTombstone(versions[first].Wire))
            first++;
        return first < end ? versions[first..end] : [];
    }

    /// <summary>Index of the newest version at or below a revision, or -1.</summary>
    public static int IndexAt(ReadOnlySpan<KeyVersion> versions, long revision)
    {
        // Nearly every read wants the newest version or one just below it.
        int high = versions.Length - 1;
        for (int steps = 0; steps < 4; steps++, high--)
        {
            if (high < 0 || versions[high].Revision <= revision)
                return high;
        }

        int low = -1;
        while (low < high)
        {
            int middle = (low + high + 1) >> 1;
            if (versions[middle].Revision <= revision)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }
}

/// <summary>One version and its mod revision, which saves a look into the bytes when a history is searched.</summary>
internal readonly struct KeyVersion(byte[] wire)
{
    public readonly byte[] Wire = wire;
    public readonly long Revision = KeyValueWire.Mod(wire);
}
