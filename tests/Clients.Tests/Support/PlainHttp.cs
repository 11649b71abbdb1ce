using System.Diagnostics;
using Conclave.Processes.Servers;

namespace Conclave.Clients.Tests.Support;

/// <summary>How a cluster is, by the pages that anybody may read, also while authentication is on.</summary>
internal static class PlainHttp
{
    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(10) };

    /// <summary>Waits until every running member answers a linearizable read of its own.</summary>
    public static async Task WaitUntilAllAreHealthyAsync(ProcessCluster cluster, TimeSpan timeout, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        foreach (ServerProcess member in cluster.Members.Where(member => member.IsRunning))
        {
            while (await GetAsync(member, "/health", cancellationToken) is null)
            {
                if (Stopwatch.GetElapsedTime(start) > timeout)
                    throw cluster.Failure($"{member.Name} is not healthy after {timeout.TotalSeconds:0} s");
                await Task.Delay(20, cancellationToken);
            }
        }
    }

    /// <returns>The place of the member whose metrics say that it leads.</returns>
    public static async Task<int> FindLeaderAsync(ProcessCluster cluster, TimeSpan timeout, CancellationToken cancellationToken)
    {
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < timeout; await Task.Delay(20, cancellationToken))
        {
            for (int i = 0; i < cluster.Members.Count; i++)
            {
                if (cluster.Members[i].IsRunning && await GetAsync(cluster.Members[i], "/metrics", cancellationToken) is { } metrics && metrics.Contains("\netcd_server_is_leader 1\n", StringComparison.Ordinal))
                    return i;
            }
        }
        throw cluster.Failure($"no leader in {timeout.TotalSeconds:0} s");
    }

    /// <returns>The page, null when there is none or it says that something is wrong.</returns>
    private static async Task<string?> GetAsync(ServerProcess member, string path, CancellationToken cancellationToken)
    {
        try
        {
            using HttpResponseMessage answer = await Client.GetAsync(new Uri(member.ClientUrl, path), cancellationToken);
            return answer.IsSuccessStatusCode ? await answer.Content.ReadAsStringAsync(cancellationToken) : null;
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;   // it is starting, or has just died
        }
    }
}
