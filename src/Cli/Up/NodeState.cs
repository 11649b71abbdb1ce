using Conclave.Client;

namespace Conclave.Cli.Up;

/// <summary>What is known of one node at one moment.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Endpoint">Its client address, host:port.</param>
/// <param name="ProcessId">Its process, or null while it is down.</param>
/// <param name="ExitCode">How its last process ended, or null.</param>
/// <param name="Status">What it says of itself, or null while it does not answer.</param>
internal sealed record NodeState(string Name, string Endpoint, int? ProcessId, int? ExitCode, MemberStatus? Status);
