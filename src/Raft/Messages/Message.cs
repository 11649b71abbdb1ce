namespace Conclave.Raft;

/// <summary>What nodes say to each other. Immutable; one type per message, each field with one meaning.</summary>
/// <remarks>The cluster and the incarnation of the sender are proven once per connection, by the transport.</remarks>
public abstract record Message
{
    public required NodeId From { get; init; }
    public required NodeId To { get; init; }

    /// <summary>The sender's term when it sent this.</summary>
    public required Term Term { get; init; }
}
