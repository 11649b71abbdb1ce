using System.Buffers;

namespace Conclave.Store;

/// <summary>The replicated state machine. One writer applies commands and publishes; any number of readers use views.</summary>
public sealed class KeyValueStore
{
    public KeyValueStore(StoreOptions options) => throw new NotSupportedException();

    /// <summary>The last published state.</summary>
    public StoreView View => throw new NotSupportedException();
    public WatchHub Watches => throw new NotSupportedException();

    /// <summary>True while compacted history waits to be reclaimed: call <see cref="Publish"/> again when idle.</summary>
    public bool HasBackgroundWork => throw new NotSupportedException();

    /// <summary>Whether a request of this size would pass the quota; the caller then proposes a NOSPACE alarm.</summary>
    public bool IsOverQuota(long requestBytes) => throw new NotSupportedException();

    /// <summary>Applies one command. Equal state and equal command give an equal result on every member, always.</summary>
    public ApplyOutcome Apply(ulong index, ulong term, in Command command, bool wantResponse) => throw new NotSupportedException();

    /// <summary>Counts an entry that is no command (no-op, membership).</summary>
    public void AdvanceApplied(ulong index, ulong term) => throw new NotSupportedException();

    /// <summary>Makes everything applied so far visible and feeds the watchers.</summary>
    public void Publish() => throw new NotSupportedException();

    /// <summary>Takes over the state of a store made by <see cref="Load"/> and publishes it; watchers go on from where they were.</summary>
    public void Install(KeyValueStore loaded) => throw new NotSupportedException();

    public static void Save(StoreView view, Stream destination) => throw new NotSupportedException();
    public static void Save(StoreView view, IBufferWriter<byte> destination) => throw new NotSupportedException();

    /// <exception cref="StoreDamagedException">The bytes are not a whole saved state.</exception>
    public static KeyValueStore Load(Stream source, StoreOptions options) => throw new NotSupportedException();
}
