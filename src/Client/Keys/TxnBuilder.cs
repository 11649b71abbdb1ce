using System.Collections.Immutable;
using Conclave.Client.Routing;
using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Client;

/// <summary>Builds one transaction: if all conditions hold, one list of operations runs, else the other, atomically.</summary>
/// <example><code>
/// TxnResult result = await client.Txn()
///     .When(Condition.Missing("jobs/1/owner"))
///     .Then(Operation.Put("jobs/1/owner", "worker-7"))
///     .Else(Operation.Get("jobs/1/owner"))
///     .CommitAsync(cancellationToken);
/// </code></example>
public sealed class TxnBuilder
{
    private readonly CallRouter _router;
    private readonly List<Condition> _conditions = [];
    private readonly List<Operation> _success = [], _failure = [];

    private readonly ClientSession? _session;

    internal TxnBuilder(CallRouter router, ClientSession? session = null) => (_router, _session) = (router, session);

    /// <summary>Adds conditions; all of them must hold. With none, the first branch always runs.</summary>
    public TxnBuilder When(params ReadOnlySpan<Condition> conditions)
    {
        _conditions.AddRange(conditions);
        return this;
    }

    /// <summary>Adds operations to the branch that runs when all conditions hold.</summary>
    public TxnBuilder Then(params ReadOnlySpan<Operation> operations)
    {
        _success.AddRange(operations);
        return this;
    }

    /// <summary>Adds operations to the branch that runs when a condition does not hold.</summary>
    public TxnBuilder Else(params ReadOnlySpan<Operation> operations)
    {
        _failure.AddRange(operations);
        return this;
    }

    /// <summary>Sends the transaction. One that only reads is repeated on failures like any read.</summary>
    /// <exception cref="OutcomeUnknownException">It may have been carried out.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; it may still be carried out.</exception>
    /// <exception cref="ConclaveException">It was refused.</exception>
    public async ValueTask<TxnResult> CommitAsync(CancellationToken cancellationToken = default)
    {
        TxnRequest request = Build([.. _conditions], [.. _success], [.. _failure]);
        if (_session is not null) return TxnResult.Of(await _session.WriteAsync(Calls.Txn, request, cancellationToken).ConfigureAwait(false));
        TxnResponse response = Writes(request)
            ? await _router.WriteAsync(Calls.Txn, request, cancellationToken).ConfigureAwait(false)
            : await _router.ReadAsync(Calls.Txn, request, cancellationToken).ConfigureAwait(false);
        return TxnResult.Of(response);
    }

    internal static TxnRequest Build(ImmutableArray<Condition> conditions, ImmutableArray<Operation> success, ImmutableArray<Operation> failure) => new()
    {
        Compare = { conditions.Select(condition => condition.Wire) },
        Success = { success.Select(operation => operation.Wire) },
        Failure = { failure.Select(operation => operation.Wire) },
    };

    internal static bool Writes(TxnRequest request) => request.Success.Concat(request.Failure).Any(static operation => operation.RequestCase switch
    {
        RequestOp.RequestOneofCase.RequestRange => false,
        RequestOp.RequestOneofCase.RequestTxn => Writes(operation.RequestTxn),
        _ => true,
    });
}
