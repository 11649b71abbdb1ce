using System.Net.Security;
using Conclave.Client;
using Conclave.Client.Rpc;

namespace Conclave.Extensions.Configuration;

/// <summary>Which configuration a program takes from a cluster, and what it does while there is none.</summary>
public sealed class ConclaveConfigurationOptions
{
    /// <summary>Client addresses of members, at least one: http or https, with a port.</summary>
    public IList<Uri> Endpoints { get; } = [];

    /// <summary>The node whose configuration it is, as <c>conclave node list</c> names it. Default: this machine's name.</summary>
    public string Node { get; set; } = Environment.MachineName;

    /// <summary>The configuration space. Default "default".</summary>
    public string Space { get; set; } = "default";

    /// <summary>The documents, at most 64. Default none: all that the node gets.</summary>
    public IList<string> Documents { get; } = [];

    /// <summary>How long building the configuration waits for the cluster before it takes what <see cref="Cache"/> holds. Default 15 s.</summary>
    public TimeSpan StartupTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Start without any values when there is neither an answer nor a cache, and take them as soon as they come. Default false: that is an error.</summary>
    public bool Optional { get; set; }

    /// <summary>Where the values are kept for a start without the cluster. Default null: nowhere.</summary>
    public ConclaveCache? Cache { get; set; }

    /// <summary>User and password. Default null: none.</summary>
    public Credentials? Credentials { get; set; }

    /// <summary>Certificates and checks for https; see <see cref="ClientTls"/>. Default null: the system's.</summary>
    public SslClientAuthenticationOptions? Tls { get; set; }

    /// <summary>Told of everything that goes wrong after the start and does not stop the program. Called one at a time, from any thread. Default null.</summary>
    public Action<string>? OnProblem { get; set; }

    /// <summary>Clock for the waits. Default the system's.</summary>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>Everything wrong with these options; empty when they can be used.</summary>
    public IEnumerable<string> Problems()
    {
        foreach (string problem in ToClientOptions().Problems()) yield return problem;
        if (string.IsNullOrEmpty(Node)) yield return "Node is empty; say whose configuration it is.";
        if (string.IsNullOrEmpty(Space)) yield return "Space is empty; leave it \"default\", or name one.";
        if (Documents.Count > 64) yield return $"Documents names {Documents.Count}; at most 64 can be watched.";
        if (Documents.Any(string.IsNullOrEmpty)) yield return "Documents has an empty name.";
        if (StartupTimeout <= TimeSpan.Zero) yield return $"StartupTimeout is {StartupTimeout}; use more than zero.";
    }

    internal ConclaveClientOptions ToClientOptions() => new()
    {
        Endpoints = [.. Endpoints.Select(endpoint => endpoint.IsAbsoluteUri ? endpoint.GetLeftPart(UriPartial.Path).TrimEnd('/') : endpoint.OriginalString)],
        Credentials = Credentials,
        Channel = new RpcChannelOptions { Tls = Tls },
        Time = Time,
    };
}
