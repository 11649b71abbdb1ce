using System.Collections.Immutable;
using Conclave.Client;

namespace Conclave.Cli.Txn;

/// <summary>A transaction as written by a person: the same whether it came as lines or as JSON.</summary>
/// <param name="Compares">All must hold for <paramref name="Success"/> to run.</param>
/// <param name="Success">Runs when all compares hold.</param>
/// <param name="Failure">Runs otherwise.</param>
internal sealed record TxnScript(ImmutableArray<TxnCompare> Compares, ImmutableArray<TxnStep> Success, ImmutableArray<TxnStep> Failure)
{
    public TxnBuilder Build(ConclaveClient client) => client.Txn()
        .When([.. Compares.Select(compare => compare.Build())])
        .Then([.. Success.Select(step => step.Build())])
        .Else([.. Failure.Select(step => step.Build())]);
}

/// <summary>What of a key is compared.</summary>
internal enum TxnTarget
{
    Version,
    Create,
    Mod,
    Value,
    Lease,
}

/// <summary>One compare; <paramref name="Number"/> counts unless the target is the value.</summary>
internal sealed record TxnCompare(TxnTarget Target, Bytes Key, Relation Relation, long Number, Bytes Value)
{
    public Condition Build() => Target switch
    {
        TxnTarget.Version => Condition.Version(Key, Relation, Number),
        TxnTarget.Create => Condition.CreateRevision(Key, Relation, Number),
        TxnTarget.Mod => Condition.ModRevision(Key, Relation, Number),
        TxnTarget.Lease => Condition.Lease(Key, Relation, Number),
        _ => Condition.Value(Key, Relation, Value),
    };

    public static TxnTarget? ParseTarget(string text) => text switch
    {
        "ver" or "version" => TxnTarget.Version,
        "c" or "create" => TxnTarget.Create,
        "m" or "mod" => TxnTarget.Mod,
        "val" or "value" => TxnTarget.Value,
        "lease" => TxnTarget.Lease,
        _ => null,
    };

    public static Relation? ParseRelation(string text) => text switch
    {
        "=" or "==" => Client.Relation.Equal,
        "!=" => Client.Relation.NotEqual,
        "<" => Client.Relation.Less,
        ">" => Client.Relation.Greater,
        _ => null,
    };
}

/// <summary>One operation of a branch.</summary>
internal abstract record TxnStep
{
    public abstract Operation Build();
}

internal sealed record GetStep(KeyRange Range, ReadOptions Options) : TxnStep
{
    public override Operation Build() => Operation.Get(Range, Options);
}

internal sealed record PutStep(Bytes Key, Bytes Value, PutOptions Options) : TxnStep
{
    public override Operation Build() => Operation.Put(Key, Value, Options);
}

internal sealed record DelStep(KeyRange Range, DeleteOptions Options) : TxnStep
{
    public override Operation Build() => Operation.Delete(Range, Options);
}

/// <summary>A transaction that cannot be read; the message says where and why.</summary>
internal sealed class TxnSyntaxException(string message) : Exception(message);
