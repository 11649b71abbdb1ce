using System.Collections.Immutable;
using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Client;

/// <summary>One operation of a transaction.</summary>
public sealed class Operation
{
    private Operation(RequestOp wire) => Wire = wire;

    internal RequestOp Wire { get; }

    /// <summary>Read a key or a range.</summary>
    public static Operation Get(KeyRange range, ReadOptions? options = null) =>
        new(new RequestOp { RequestRange = (options ?? ReadOptions.Default).For(range) });

    /// <summary>Write a key.</summary>
    public static Operation Put(Bytes key, Bytes value, PutOptions? options = null) =>
        new(new RequestOp { RequestPut = (options ?? PutOptions.Default).For(key, value) });

    /// <summary>Delete a key or a range.</summary>
    public static Operation Delete(KeyRange range, DeleteOptions? options = null) =>
        new(new RequestOp { RequestDeleteRange = (options ?? DeleteOptions.Default).For(range) });

    /// <summary>Run a transaction inside this one.</summary>
    public static Operation Txn(
        ImmutableArray<Condition> conditions, ImmutableArray<Operation> success, ImmutableArray<Operation> failure) =>
        new(new RequestOp { RequestTxn = TxnBuilder.Build(conditions, success, failure) });
}
