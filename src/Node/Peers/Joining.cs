using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Sockets;
using Conclave.Node.Options;
using Conclave.Node.Tls;
using Conclave.Raft;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Peers;

/// <summary>Finds out who this node is in a cluster that runs: asks the members that --initial-cluster names, and looks for its own addresses in the answer.</summary>
internal static class Joining
{
    /// <summary>From the first question until it is given up. The members may be starting too, and the one asked may not have applied the entry that added this one.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    /// <exception cref="JoinRefusedException">Nobody answered, or the cluster is another one than the flags describe.</exception>
    public static async Task<ClusterIdentity> AskAsync(NodeOptions options, TimeSpan patience, ILogger logger)
    {
        Uri[] urls = [.. options.InitialCluster.Where(m => m.Name != options.Name).SelectMany(m => m.PeerUrls)];
        TlsSide tls = TlsSide.OpenForPeers(options, logger);
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            string problem = "";
            List<string> unanswered = [];
            foreach (Uri url in urls)
            {
                try
                {
                    ClusterIdentity cluster = await Introduction.AskAsync(url, tls, CancellationToken.None).ConfigureAwait(false);
                    problem = Match(options, cluster, out NodeId self);
                    if (problem.Length > 0) break;
                    Log.Introduced(logger, self, cluster.ClusterId.ToString("x"), url.Authority);
                    return cluster with { Self = self };
                }
                catch (Exception e) when (e is SocketException or IOException or PeerRefusedException or TimeoutException or OperationCanceledException or FormatException)
                {
                    unanswered.Add($"{NodeOptions.Plain(url)}: {e.Message}");
                }
            }

            if (problem.Length == 0)
                problem = $"could not retrieve cluster information from the given URLs ({string.Join("; ", unanswered)}). Start a majority of the members first, or correct --initial-cluster.";
            if (Stopwatch.GetElapsedTime(start) >= patience) throw new JoinRefusedException(problem);
            await Task.Delay(RetryDelay).ConfigureAwait(false);
        }
    }

    /// <summary>What is wrong between the flags and the members that the cluster has; empty when they fit. The first words are etcd's.</summary>
    internal static string Match(NodeOptions options, ClusterIdentity cluster, out NodeId self)
    {
        self = cluster.Members.FirstOrDefault(m => ClusterIdentity.SameUrls(m.PeerUrls, options.InitialAdvertisePeerUrls))?.Id ?? NodeId.None;
        string members = string.Join(",", cluster.Members.Select(m => $"{m.Name}={string.Join(',', m.PeerUrls.Select(NodeOptions.Plain))}"));
        string own = string.Join(',', options.InitialAdvertisePeerUrls.Select(NodeOptions.Plain));
        if (self == NodeId.None)
        {
            string words = options.InitialCluster.Count != cluster.Members.Length ? "member count is unequal" : $"unmatched member while checking PeerURLs ({own})";
            return $"{words}: no member of cluster {cluster.ClusterId:x} listens at {own}; the members are {members}. Add this one first: conclave member add {options.Name} --peer-urls={own}";
        }

        if (options.InitialCluster.Count != cluster.Members.Length)
            return $"member count is unequal: --initial-cluster names {options.InitialCluster.Count} members, the cluster has {cluster.Members.Length}: {members}. Use that list, with this member's name in its place.";
        ImmutableArray<ClusterMember> all = cluster.Members;
        InitialMember? unmatched = options.InitialCluster.FirstOrDefault(m => !all.Any(known => ClusterIdentity.SameUrls(known.PeerUrls, m.PeerUrls)));
        return unmatched is null ? ""
            : $"unmatched member while checking PeerURLs ({unmatched.Name}={string.Join(',', unmatched.PeerUrls.Select(NodeOptions.Plain))}): the members are {members}. Use that list, with this member's name in its place.";
    }
}

/// <summary>This node cannot join; the message says why and what to do.</summary>
public sealed class JoinRefusedException(string problem) : Exception("cannot join the running cluster: " + problem);
