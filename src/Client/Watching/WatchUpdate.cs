using System.Collections.Immutable;

namespace Conclave.Client;

/// <summary>What happened to a key.</summary>
public enum WatchEventKind
{
    Put = 0,
    Delete = 1,
}

/// <summary>One change of one key.</summary>
/// <param name="Kind">Written or deleted.</param>
/// <param name="Current">The key after the change; for a deletion only its key and revision are set.</param>
/// <param name="Previous">What the key held before, if that was asked for, the key existed, and that revision is still kept.</param>
public sealed record WatchEvent(WatchEventKind Kind, KeyValue Current, KeyValue? Previous)
{
    /// <summary>Revision of the change.</summary>
    public long Revision => Current.ModRevision;

    /// <summary>True for the write that made the key.</summary>
    public bool IsCreation => Kind == WatchEventKind.Put && Current.CreateRevision == Current.ModRevision;
}

/// <summary>Some changes, all those of a revision together; without events it says that nothing happened up to a revision.</summary>
/// <param name="Revision">Everything up to this revision has now been reported.</param>
/// <param name="Events">The changes, oldest first.</param>
public sealed record WatchUpdate(long Revision, ImmutableArray<WatchEvent> Events);
