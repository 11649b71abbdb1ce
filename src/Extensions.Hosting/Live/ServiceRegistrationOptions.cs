namespace Conclave.Extensions.Hosting;

/// <summary>How a process is listed among the live members of a service.</summary>
public sealed class ServiceRegistrationOptions
{
    /// <summary>This process's name among the service's members; each needs its own. Default null: the node that configuration is taken for, or else this machine's name.</summary>
    public string? Instance { get; set; }

    /// <summary>Where the others reach it, as <c>%{live:...}</c> gives it: usually host:port. Default null: this machine's name.</summary>
    public string? Address { get; set; }

    /// <summary>More to say of it. The value of the key is then a JSON object with <c>address</c> and these.</summary>
    public IDictionary<string, string> Metadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The configuration space that refers to it. Default null: the one that configuration is taken from, or else "default".</summary>
    public string? Space { get; set; }

    /// <summary>How long it stays listed when the process dies without a word; 1 s to 24 h. The server may grant more. Default 10 s.</summary>
    public TimeSpan Ttl { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Be listed only while the program's health checks do not say unhealthy. Default false.</summary>
    public bool FollowHealthChecks { get; set; }

    /// <summary>How often they are asked. Default 5 s.</summary>
    public TimeSpan HealthInterval { get; set; } = TimeSpan.FromSeconds(5);

    internal IEnumerable<string> Problems(string service)
    {
        if (service is not { Length: > 0 and <= 128 } || service.Contains('/', StringComparison.Ordinal)) yield return $"\"{service}\" is no name of a service; use 1 to 128 characters without a slash.";
        if (Instance is { } instance && (instance.Length is 0 or > 128 || instance.Contains('/', StringComparison.Ordinal))) yield return $"\"{instance}\" is no name of an instance; use 1 to 128 characters without a slash.";
        if (Ttl < TimeSpan.FromSeconds(1) || Ttl > TimeSpan.FromHours(24)) yield return $"Ttl is {Ttl}; use 1 second to 24 hours.";
        if (HealthInterval <= TimeSpan.Zero) yield return $"HealthInterval is {HealthInterval}; use more than zero.";
    }
}
