namespace Conclave.Processes.Rpc;

/// <summary>What became of a call, as far as the caller can know.</summary>
public enum RpcOutcome
{
    /// <summary>Answered with OK.</summary>
    Acknowledged,

    /// <summary>Certainly not carried out: refused by a check, or never sent.</summary>
    Refused,

    /// <summary>Lost on the way, timed out or Unavailable: it may have happened, or happen still.</summary>
    Unknown,
}

/// <summary>An answer or the reason for its absence; failures are values here, because under faults they are the normal case.</summary>
/// <param name="Response">Only when acknowledged.</param>
/// <param name="Code">gRPC status number; 14 for a broken connection, 4 for the caller's own deadline.</param>
/// <param name="Message">Status text.</param>
/// <param name="Outcome">What the caller may conclude.</param>
public readonly record struct RpcResult<T>(T? Response, int Code, string Message, RpcOutcome Outcome)
    where T : class
{
    /// <summary>Whether there is an answer.</summary>
    public bool Succeeded => Outcome == RpcOutcome.Acknowledged;

    /// <summary>The answer.</summary>
    /// <exception cref="InvalidOperationException">There is none; the message carries the status.</exception>
    public T Required => Response ?? throw new InvalidOperationException($"The call failed: {this}");

    /// <inheritdoc/>
    public override string ToString() => Succeeded ? "OK" : $"{Code} {Message}";
}
