namespace Conclave.Store;

/// <summary>What a watch session needs from the stream it serves.</summary>
public interface IWatchSessionHost
{
    ulong ClusterId { get; }
    ulong MemberId { get; }

    /// <summary>The current Raft term, for response headers.</summary>
    ulong Term { get; }

    /// <summary><see cref="WatchSession.TryTake"/> has something. May come from the apply thread: must not block, nor call the session. One may still come after the session was disposed.</summary>
    void Signal();
}
