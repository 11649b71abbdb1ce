using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Google.Protobuf;

namespace Conclave.Processes.Watches;

/// <summary>What a revision left at a key.</summary>
/// <param name="ModRevision">mod_revision.</param>
/// <param name="CreateRevision">create_revision; 0 for a deletion.</param>
/// <param name="Version">version; 0 for a deletion.</param>
/// <param name="Value">Digest of the value.</param>
public readonly record struct KeyState(long ModRevision, long CreateRevision, long Version, ulong Value)
{
    public static KeyState Of(KeyValue kv) => new(kv.ModRevision, kv.CreateRevision, kv.Version, Digest(kv.Value.Span));

    /// <summary>Values differ when it differs; equal ones by accident are as good as impossible.</summary>
    public static ulong Digest(ReadOnlySpan<byte> value)
    {
        // FNV-1a: short, and long values are few.
        ulong hash = 14_695_981_039_346_656_037;
        foreach (byte each in value)
            hash = (hash ^ each) * 1_099_511_628_211;
        return hash;
    }
}

/// <summary>One event as a watcher got it.</summary>
/// <param name="Key">Whose.</param>
/// <param name="IsDelete">Else a put.</param>
/// <param name="State">After it.</param>
/// <param name="Previous">prev_kv; null when there was none in the message.</param>
public readonly record struct SeenEvent(string Key, bool IsDelete, KeyState State, KeyState? Previous)
{
    public long Revision => State.ModRevision;

    public static SeenEvent Of(Event change) => new(
        string.Intern(change.Kv.Key.ToStringUtf8()), change.Type == Event.Types.EventType.Delete, KeyState.Of(change.Kv), change.PrevKv is { } previous ? KeyState.Of(previous) : null);

    /// <inheritdoc/>
    public override string ToString() => $"{(IsDelete ? "delete" : "put")} of {Key} at {Revision}";
}

/// <summary>What a watcher asks for.</summary>
public sealed record WatchWish
{
    public required string Key { get; init; }

    /// <summary>As on the wire: empty for the key alone, a zero for an open end.</summary>
    public string RangeEnd { get; init; } = "";

    public bool SkipsPuts { get; init; }

    public bool SkipsDeletes { get; init; }

    public bool WantsPrevious { get; init; }

    public bool TakesFragments { get; init; }

    public bool Wants(in SeenEvent change) => (change.IsDelete ? !SkipsDeletes : !SkipsPuts)
        && (RangeEnd.Length == 0 ? change.Key == Key : string.CompareOrdinal(change.Key, Key) >= 0 && (RangeEnd == "\0" || string.CompareOrdinal(change.Key, RangeEnd) < 0));

    public WatchCreateRequest ToRequest(long start)
    {
        var request = new WatchCreateRequest
        {
            Key = ByteString.CopyFromUtf8(Key),
            RangeEnd = ByteString.CopyFromUtf8(RangeEnd),
            StartRevision = start,
            PrevKv = WantsPrevious,
            Fragment = TakesFragments,
        };
        if (SkipsPuts)
            request.Filters.Add(WatchCreateRequest.Types.FilterType.Noput);
        if (SkipsDeletes)
            request.Filters.Add(WatchCreateRequest.Types.FilterType.Nodelete);
        return request;
    }
}

/// <summary>One message of a watch.</summary>
public sealed record WatchedResponse
{
    public IReadOnlyList<SeenEvent> Events { get; init; } = [];

    /// <summary>header.revision.</summary>
    public required long Revision { get; init; }

    public bool IsCreated { get; init; }

    public bool IsCanceled { get; init; }

    /// <summary>More of the last revision follows.</summary>
    public bool IsFragment { get; init; }

    public long CompactRevision { get; init; }

    /// <summary>cancel_reason.</summary>
    public string Said { get; init; } = "";

    /// <summary>Highest revision that anybody had asked to compact when the message came.</summary>
    public long CompactionAsked { get; init; }
}

/// <summary>One stream with one watch.</summary>
/// <param name="Start">start_revision; 0 for from now on.</param>
/// <param name="Member">Whose.</param>
public sealed record WatchedStream(long Start, int Member)
{
    public List<WatchedResponse> Responses { get; } = [];
}

/// <summary>All streams of one watcher, each of which went on where the one before had ended unless it says otherwise.</summary>
/// <param name="Name">For reports.</param>
/// <param name="Wish">What it asked for.</param>
public sealed record WatchedHistory(string Name, WatchWish Wish)
{
    public List<WatchedStream> Streams { get; } = [];

    /// <summary>Everything below was delivered or told to be gone.</summary>
    public long Next { get; set; }
}
