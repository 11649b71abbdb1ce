namespace Conclave.Node.Http;

/// <summary>Both directions of a streaming call.</summary>
/// <remarks>
/// One reader and one writer may be active at the same time, not two of either. Both end when the call is cancelled.
/// A handler must wait for its reader and its writer before it returns.
/// </remarks>
public abstract class RpcStream
{
    /// <summary>Waits for the next message of the client.</summary>
    /// <returns>
    /// The message, valid until the next read or the end of the handler; null once the client has sent its last one.
    /// A client that has finished sending still receives.
    /// </returns>
    /// <exception cref="OperationCanceledException">The call or <paramref name="cancellationToken"/> was cancelled.</exception>
    /// <exception cref="Conclave.Wire.Grpc.GrpcException">What the client sent is no message, or too large. Let it end the call.</exception>
    public abstract ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken = default);

    /// <summary>Sends one message at once. Waits while the client is slow to take what was sent before.</summary>
    /// <param name="message">Not used after the returned task ends.</param>
    /// <param name="cancellationToken">Ends the wait; the message may still arrive.</param>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default) =>
        WriteAsync(message, moreFollows: false, cancellationToken);

    /// <summary>Sends one message.</summary>
    /// <param name="message">Not used after the returned task ends.</param>
    /// <param name="moreFollows">
    /// True lets the message wait for the next one, which saves a packet; the caller must write again soon without it.
    /// </param>
    /// <param name="cancellationToken">Ends the wait; the message may still arrive.</param>
    /// <exception cref="OperationCanceledException">The call or <paramref name="cancellationToken"/> was cancelled.</exception>
    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> message, bool moreFollows, CancellationToken cancellationToken = default);

    /// <summary>Changes when the client has taken a piece of a large message that is still being written. Any thread may look.</summary>
    public virtual long PiecesTaken => 0;

    /// <summary>Ends the call without a status, for a client that takes nothing: none would arrive. From any thread; does nothing after the end.</summary>
    public virtual void Abort()
    {
    }
}
