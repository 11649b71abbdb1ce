using System.Collections.Immutable;
using Conclave.Client.Rpc;

namespace Conclave.Client;

/// <summary>Which endpoint a call goes to first.</summary>
public enum EndpointChoice
{
    /// <summary>The same one until it fails: one connection, and answers that never go back in time while it lives.</summary>
    Sticky,

    /// <summary>Each call the next one: spreads the load of reads over the members.</summary>
    RoundRobin,
}

/// <summary>How a <see cref="ConclaveClient"/> reaches its cluster.</summary>
public sealed record ConclaveClientOptions
{
    /// <summary>Client addresses of members, at least one: <c>http://host:port</c>, <c>https://host:port</c> or <c>host:port</c> (cleartext).</summary>
    public required ImmutableArray<string> Endpoints { get; init; }

    /// <summary>Which endpoint a call goes to first. Default <see cref="EndpointChoice.Sticky"/>, starting with the first.</summary>
    public EndpointChoice EndpointChoice { get; init; } = EndpointChoice.Sticky;

    /// <summary>
    /// Longest time for one call, all its attempts together. Default 10 s: longer than the 7 s after which a server without a
    /// majority gives up by itself, so that its explanation arrives.
    /// </summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a call is repeated after its first failure, where repeating is harmless. Default 5 s, which outlasts an election.
    /// Zero: every failure is reported at once.
    /// </summary>
    public TimeSpan RetryPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Ask members that see no leader to refuse at once rather than to hold the call, so that it can go to another. Default true.
    /// Serializable reads, which need no leader, never ask for it.
    /// </summary>
    public bool RequireLeader { get; init; } = true;

    /// <summary>
    /// User and password to log in with, before the first call and again when a token has ended. Default null: none, which is enough while the
    /// cluster asks for none, or knows this client by its certificate.
    /// </summary>
    public Credentials? Credentials { get; init; }

    /// <summary>How connections are made.</summary>
    public RpcChannelOptions Channel { get; init; } = new();

    /// <summary>Clock for waits between attempts, cool-downs and lease renewals.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Everything wrong with these options; empty when they can be used.</summary>
    public IEnumerable<string> Problems()
    {
        if (Endpoints.IsDefaultOrEmpty)
            yield return "Endpoints is empty; name at least one member, such as http://127.0.0.1:2379.";
        else
        {
            foreach (string endpoint in Endpoints)
            {
                if (!EndpointAddress.TryParse(endpoint, out _))
                    yield return $"Endpoint \"{endpoint}\" is not an address; write http://host:port, https://host:port or host:port.";
            }
        }

        if (Credentials is { User.Length: 0 }) yield return "The user's name is empty; name one, or leave Credentials out.";
        if (RequestTimeout <= TimeSpan.Zero) yield return $"RequestTimeout is {RequestTimeout}; use more than zero.";
        if (RetryPatience < TimeSpan.Zero) yield return $"RetryPatience is {RetryPatience}; use zero or more.";
    }
}
