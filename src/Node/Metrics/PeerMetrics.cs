using System.Globalization;
using System.Text;
using Conclave.Node.Peers;
using Conclave.Raft;

namespace Conclave.Node.Metrics;

/// <summary>The etcd_network_* series of other members.</summary>
internal static class PeerMetrics
{
    public static void Write(StringBuilder text, NodeId self, IReadOnlyList<PeerLink> links)
    {
        Each("etcd_network_known_peers", "gauge", Both, _ => 1);
        Each("etcd_network_active_peers", "gauge", Both, link => link.IsUp ? 1 : 0);
        Each("etcd_network_disconnected_peers_total", "counter", Both, link => link.Disconnects);
        Each("etcd_network_peer_received_bytes_total", "counter", From, link => link.ReceivedBytes);
        Each("etcd_network_peer_received_failures_total", "counter", From, link => link.ReceiveFailures);
        Each("etcd_network_peer_sent_bytes_total", "counter", To, link => link.TotalBytes);
        Each("etcd_network_peer_sent_failures_total", "counter", To, link => link.DroppedFrames);
        text.Append("# TYPE etcd_network_peer_round_trip_time_seconds histogram\n");
        foreach (PeerLink link in links) link.RoundTrips.Durations.Write(text, "etcd_network_peer_round_trip_time_seconds", To(link));

        void Each(string name, string type, Func<PeerLink, string> labels, Func<PeerLink, long> value)
        {
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n");
            foreach (PeerLink link in links) text.Append(CultureInfo.InvariantCulture, $"{name}{{{labels(link)}}} {value(link)}\n");
        }

        string Both(PeerLink link) => $"Local=\"{self}\",Remote=\"{link.Peer}\"";
    }

    private static string From(PeerLink link) => $"From=\"{link.Peer}\"";

    private static string To(PeerLink link) => $"To=\"{link.Peer}\"";
}
