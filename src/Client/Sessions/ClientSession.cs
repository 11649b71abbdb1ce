using System.Globalization;
using Conclave.Client.Routing;
using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Client;

/// <summary>
/// Writes that are carried out exactly once. Each has a number that the cluster remembers, so a write whose answer was lost is
/// sent again with the same number: to another member, over a change of leader, as often as it takes. If the first
/// attempt was carried out, the repeat gets its answer and changes nothing.
/// </summary>
/// <remarks>
/// The session is a lease that is kept alive in the background; it ends with it, and so do keys that are put with it. Thread-safe:
/// writes go one after another in the order in which they were called. A write that was given up or cancelled may still be
/// carried out until the next write of the session has its answer, and never after that. Only Conclave knows sessions: other
/// servers of the protocol pass over the numbers, and a repeat there may be carried out twice.
/// </remarks>
public sealed class ClientSession : IAsyncDisposable
{
    private readonly CallRouter _router;
    private readonly LeaseKeeper _keeper;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private ulong _sequence;   // whoever has the turn

    internal ClientSession(CallRouter router, LeaseKeeper keeper) => (_router, _keeper) = (router, keeper);

    /// <summary>The lease that is the session. Revoke it to end the session at once.</summary>
    public long LeaseId => _keeper.LeaseId;

    /// <summary>Cancelled when the lease is gone or may be gone. Writes fail from then on; open another session.</summary>
    public CancellationToken Lost => _keeper.Lost;

    /// <summary>Writes one key, exactly once.</summary>
    /// <exception cref="UnavailableException">The write certainly did not happen.</exception>
    /// <exception cref="OutcomeUnknownException">No definite answer came in time, or the session ended before one came. The write may have happened, at most once.</exception>
    /// <exception cref="ConclaveException">The write was refused. InvalidArgument also: the answer could be larger than 1 MiB, which a session does not keep.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the write may still happen until the next one of the session is answered.</exception>
    public async ValueTask<PutResult> PutAsync(Bytes key, Bytes value, PutOptions? options = null, CancellationToken cancellationToken = default) =>
        PutResult.Of(await WriteAsync(Calls.Put, (options ?? PutOptions.Default).For(key, value), cancellationToken).ConfigureAwait(false));

    /// <summary>Deletes a key or a range of keys, exactly once.</summary>
    /// <inheritdoc cref="PutAsync" path="/exception"/>
    public async ValueTask<DeleteResult> DeleteAsync(KeyRange range, DeleteOptions? options = null, CancellationToken cancellationToken = default) =>
        DeleteResult.Of(await WriteAsync(Calls.DeleteRange, (options ?? DeleteOptions.Default).For(range), cancellationToken).ConfigureAwait(false));

    /// <summary>Starts building a transaction that is carried out exactly once.</summary>
    public TxnBuilder Txn() => new(_router, this);

    /// <summary>Stops keeping the lease alive, which ends by itself. Revoke <see cref="LeaseId"/> to end it at once.</summary>
    public ValueTask DisposeAsync() => _keeper.DisposeAsync();

    internal async ValueTask<T> WriteAsync<T>(Call<T> call, IMessage request, CancellationToken cancellationToken)
        where T : IMessage<T>
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            RpcMetadata metadata = RpcMetadata.Of(ConclaveMetadata.Session, LeaseId.ToString(CultureInfo.InvariantCulture))
                .With(ConclaveMetadata.Sequence, (++_sequence).ToString(CultureInfo.InvariantCulture));
            return await _router.WriteInSessionAsync(call, request, metadata, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }
}
