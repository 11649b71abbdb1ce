using System.Net;
using System.Net.Sockets;
using Conclave.Layers;

namespace Conclave.Agent;

/// <summary>What the node says of itself: what is configured, what a command prints, and what is found out. In that order the first counts.</summary>
internal static class Facts
{
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(30);

    /// <returns>JSON by name; null when nothing is to be reported.</returns>
    public static async Task<IReadOnlyDictionary<string, string>?> FindAsync(AgentOptions options, IEnumerable<Uri> endpoints, Action<string> warn, CancellationToken cancellationToken)
    {
        if (!options.ReportFacts) return null;
        var facts = new Dictionary<string, string>(StringComparer.Ordinal);
        if (options.FindFacts)
        {
            facts["hostname"] = Value.Of(Environment.MachineName).ToString();
            if (OwnAddress(endpoints) is { } address) facts["mgmt_ip"] = Value.Of(address).ToString();
        }

        if (!options.FactsCommand.IsEmpty)
        {
            (string? failure, string output) = await ProcessRunner.RunAsync(options.FactsCommand, CommandTimeout, new Dictionary<string, string>(), cancellationToken).ConfigureAwait(false);
            if (failure is not null || !ValueJson.TryParse(output, out Value? said, out string problem) || said.Kind != ValueKind.Map)
            {
                // To report without them would take them away from the documents that need them.
                warn($"No facts are reported: {failure ?? "facts_command printed no JSON object"}");
                return null;
            }

            foreach ((string name, Value value) in said.Members) facts[name] = value.ToString();
        }

        foreach ((string name, string json) in options.Facts) facts[name] = json;
        return facts.Count > 0 ? facts : null;
    }

    /// <summary>The address that this machine has towards the cluster. Nothing is sent.</summary>
    private static string? OwnAddress(IEnumerable<Uri> endpoints)
    {
        foreach (Uri endpoint in endpoints)
        {
            try
            {
                using var socket = new Socket(SocketType.Dgram, ProtocolType.Udp);
                socket.Connect(endpoint.Host.Trim('[', ']'), endpoint.Port);
                if (socket.LocalEndPoint is IPEndPoint { Address: var own }) return (own.IsIPv4MappedToIPv6 ? own.MapToIPv4() : own).ToString();
            }
            catch (SocketException)
            {
                // No way there; the next one.
            }
        }

        return null;
    }
}
