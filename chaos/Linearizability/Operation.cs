using System.Globalization;

namespace Conclave.Linearizability;

/// <summary>What a client asked of one register.</summary>
public enum OperationKind
{
    /// <summary>Reads the value.</summary>
    Get,

    /// <summary>Sets the value.</summary>
    Put,

    /// <summary>Removes the value.</summary>
    Delete,

    /// <summary>Sets the value if it is the expected one.</summary>
    CompareAndSwap,
}

/// <summary>How a call ended, as its client knows it.</summary>
public enum OperationOutcome
{
    /// <summary>It was answered; what the answer said stands in the operation.</summary>
    Known,

    /// <summary>No answer, or one that leaves it open: it happened at some time after the call, or happens yet, or never.</summary>
    Unknown,
}

/// <summary>One call of one client on one register. Null values mean "no value".</summary>
/// <remarks>A call that certainly did nothing is not part of a history and is left out by whoever records it.</remarks>
public sealed record Operation
{
    /// <summary>For people; the checker does not use it.</summary>
    public required int Client { get; init; }

    /// <summary>Which register.</summary>
    public required string Key { get; init; }

    /// <summary>What was asked.</summary>
    public required OperationKind Kind { get; init; }

    /// <summary>How it ended.</summary>
    public OperationOutcome Outcome { get; init; } = OperationOutcome.Known;

    /// <summary>When it was called, in any unit that all clients share.</summary>
    public required long Called { get; init; }

    /// <summary>When the answer came; later than <see cref="Called"/>. Means nothing when the outcome is unknown.</summary>
    public long Returned { get; init; } = long.MaxValue;

    /// <summary>Put and CompareAndSwap: the new value.</summary>
    public string? Value { get; init; }

    /// <summary>CompareAndSwap: the value that must be there.</summary>
    public string? Expected { get; init; }

    /// <summary>Get: what was read.</summary>
    public string? Observed { get; init; }

    /// <summary>CompareAndSwap: whether it swapped. Delete: whether there was a value. Means nothing for the others or when unknown.</summary>
    public bool Succeeded { get; init; } = true;

    /// <inheritdoc/>
    public override string ToString()
    {
        string call = Kind switch
        {
            OperationKind.Get => $"get -> {Show(Observed)}",
            OperationKind.Put => $"put {Show(Value)}",
            OperationKind.Delete => $"delete -> {(Succeeded ? "there was a value" : "there was none")}",
            _ => $"cas {Show(Expected)} to {Show(Value)} -> {(Succeeded ? "swapped" : "refused")}",
        };
        string end = Outcome == OperationOutcome.Unknown ? "?" : Returned.ToString(CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"[{Called} .. {end}] client {Client}: {(Outcome == OperationOutcome.Unknown ? call.Split(" ->")[0] + " -> unknown" : call)}");
    }

    internal static string Show(string? value) => value is null ? "nothing" : $"\"{value}\"";
}
