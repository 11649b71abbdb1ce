using System.Net.Security;

namespace Conclave.Processes.Servers;

/// <summary>What to start.</summary>
public sealed record ClusterOptions
{
    /// <summary>Which server.</summary>
    public required ServerKind Kind { get; init; }

    /// <summary>1, 3 or 5 members. Default 3.</summary>
    public int Members { get; init; } = 3;

    /// <summary>Further flags, given to every member.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>How clients check the members' certificates, when <see cref="Arguments"/> give them some; null for plain HTTP/2.</summary>
    public SslClientAuthenticationOptions? ClientTls { get; init; }

    /// <summary>How long to wait for the first write. Generous, because two busy cores start three runtimes. Default 60 s.</summary>
    public TimeSpan ReadyTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Where data and logs go; a fresh directory under the system's temporary one by default.</summary>
    public string? Directory { get; init; }
}
