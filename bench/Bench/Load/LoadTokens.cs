using System.Collections.Concurrent;
using System.Net;

namespace Conclave.Bench.Load;

/// <summary>Who the load is, by client port: tokens are made once for a cluster, and every connection to it begins with one.</summary>
internal static class LoadTokens
{
    private static readonly ConcurrentDictionary<int, string> Tokens = [];

    /// <summary>Null without auth.</summary>
    public static string? Of(IPEndPoint endpoint) => Tokens.GetValueOrDefault(endpoint.Port);

    public static void Set(int port, string token) => Tokens[port] = token;
}
