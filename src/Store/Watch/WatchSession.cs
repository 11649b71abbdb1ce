using System.Buffers;

namespace Conclave.Store;

/// <summary>The whole logic of one gRPC Watch stream, without thread or socket.</summary>
public sealed class WatchSession : IDisposable
{
    public WatchSession(WatchHub hub, IWatchSessionHost host) => throw new NotSupportedException();

    /// <summary>False while so many answers wait to be taken that the stream should not read more requests.</summary>
    public bool WantsRequests => throw new NotSupportedException();

    /// <summary>Create, cancel or progress. An empty request is ignored.</summary>
    /// <returns><see cref="StoreError.Malformed"/> when the bytes are no WatchRequest: end the stream.</returns>
    public StoreError Submit(ReadOnlySpan<byte> watchRequest) => throw new NotSupportedException();

    /// <summary>Answers a create request that the caller refuses, for example for want of permission.</summary>
    public void Refuse(string cancelReason) => throw new NotSupportedException();

    /// <summary>Writes at most one whole WatchResponse message.</summary>
    /// <returns>False when there is nothing now.</returns>
    public bool TryTake(IBufferWriter<byte> response) => throw new NotSupportedException();

    /// <summary>Drives progress_notify.</summary>
    public void OnTimer(long nowMilliseconds) => throw new NotSupportedException();

    public void Dispose() => throw new NotSupportedException();
}
