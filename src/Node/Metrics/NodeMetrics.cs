using System.Globalization;
using System.Text;
using Conclave.Node.Configuration;
using Conclave.Node.Consensus;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Conclave.Node.Services;
using Conclave.Node.Tls;
using Conclave.Raft;
using Conclave.Store;

namespace Conclave.Node.Metrics;

/// <summary>GET /metrics: the series that etcd's dashboards and alerts read, in Prometheus text. Only what is really measured.</summary>
internal sealed class NodeMetrics(ServiceContext context, WatchService watches, RpcMetrics calls)
{
    private readonly Histogram _syncs = new();

    /// <summary>Clients that the port turned away. Set once, before anything runs.</summary>
    public ClientRefusals? Refusals { get; set; }

    /// <summary>TLS towards clients, if there is any. Set once, before anything runs.</summary>
    public TlsSide? ClientTls { get; set; }

    /// <summary>Answers of /health. Set once, before anything runs.</summary>
    public HealthRoutes? Health { get; set; }

    /// <summary>The layered configuration. Set once, before anything runs.</summary>
    public ConfigEngine? Configuration { get; set; }

    public void AddTo(PlainRoutes routes) =>
        routes.Add("/metrics", (_, _) => new(new PlainResponse(200, "text/plain; version=0.0.4; charset=utf-8", Encoding.UTF8.GetBytes(Text()))));

    public void OnSync(TimeSpan duration) => _syncs.Observe(duration);

    private string Text()
    {
        var text = new StringBuilder(32 << 10);
        WriteConsensus(text);
        PeerMetrics.Write(text, context.Cluster.Self, context.Replica.Peers.All);
        WriteStore(text);
        context.Replica.Leases.Metrics.Write(text);
        ProcessMetrics.Write(text);
        text.Append("# TYPE etcd_disk_wal_fsync_duration_seconds histogram\n");
        _syncs.Write(text, "etcd_disk_wal_fsync_duration_seconds", "");
        calls.Write(text);
        Refusals?.Write(text);
        if (Configuration is not null) ConfigMetrics.Write(text, Configuration);
        WriteExpiry(text, ("clients", ClientTls), ("peers", context.Replica.PeerTls));
        return MetricHelp.AddTo(text);
    }

    private void WriteConsensus(StringBuilder text)
    {
        Replica replica = context.Replica;
        ConsensusStatus status = replica.Status;
        Gauge(text, "etcd_server_has_leader", status.Leader == NodeId.None ? 0 : 1);
        Gauge(text, "etcd_server_is_leader", status.Role == RaftRole.Leader ? 1 : 0);
        Gauge(text, "etcd_server_is_learner", replica.IsLearner ? 1 : 0);
        Counter(text, "etcd_server_leader_changes_seen_total", replica.LeaderChanges);
        Gauge(text, "etcd_server_proposals_committed_total", (long)status.Commit);
        Gauge(text, "etcd_server_proposals_applied_total", (long)replica.View.AppliedIndex);
        Gauge(text, "etcd_server_proposals_pending", replica.Proposals.Count);
        Counter(text, "etcd_server_proposals_failed_total", replica.Proposals.FailedCount);
        Counter(text, "etcd_server_slow_apply_total", replica.SlowApplies);
        Counter(text, "etcd_server_slow_read_indexes_total", replica.Reads.SlowRounds);
        Counter(text, "etcd_server_heartbeat_send_failures_total", replica.LateHeartbeats);
        Gauge(text, "etcd_server_snapshot_apply_in_progress_total", replica.IsInstallingState ? 1 : 0);
        if (Health is not null)
        {
            Counter(text, "etcd_server_health_success", Health.SuccessCount);
            Counter(text, "etcd_server_health_failures", Health.FailureCount);
        }

        // Alerts divide by it and compare with it: without a quota there is none to come near to.
        if (context.Options.QuotaBytes != long.MaxValue) Gauge(text, "etcd_server_quota_backend_bytes", context.Options.QuotaBytes);
        Gauge(text, $"etcd_server_id{{server_id=\"{context.Cluster.Self}\"}}", 1);
        Gauge(text, $"etcd_server_version{{server_version=\"{NodeVersion.EtcdServer}\"}}", 1);
        Gauge(text, $"etcd_cluster_version{{cluster_version=\"{NodeVersion.EtcdCluster}\"}}", 1);
        Gauge(text, $"conclave_node_version{{version=\"{NodeVersion.Conclave}\"}}", 1);
        Gauge(text, "conclave_log_lost_end", LostIndex(replica.LostEnd));
        Counter(text, "conclave_scrub_read_bytes_total", replica.Scrub.BytesRead);
        Counter(text, "conclave_scrub_rounds_total", replica.Scrub.Rounds);
        Counter(text, "conclave_scrub_findings_total", replica.Scrub.Findings);
        text.Append("# TYPE conclave_peer_refused_total counter\n");
        Line(text, "conclave_peer_refused_total{reason=\"tls\"}", replica.Peers.RefusedTlsCount);
        Line(text, "conclave_peer_refused_total{reason=\"greeting\"}", replica.Peers.RefusedCount);
    }

    /// <summary>Entry up to which this member's log may have reached before its disk was found damaged at the start; 0 when nothing was lost, -1 when only the term is known.</summary>
    private static long LostIndex(EntryId lostEnd) => lostEnd.Index.Value == ulong.MaxValue ? -1 : (long)lostEnd.Index.Value;

    private void WriteStore(StringBuilder text)
    {
        StoreView view = context.View;
        Gauge(text, "etcd_mvcc_db_total_size_in_bytes", view.SizeBytes);
        Gauge(text, "etcd_mvcc_db_total_size_in_use_in_bytes", view.SizeInUseBytes);
        Gauge(text, "etcd_debugging_mvcc_db_total_size_in_bytes", view.SizeBytes);
        OperationCounts counts = context.Replica.Counts;
        foreach (string prefix in (string[])["etcd_mvcc", "etcd_debugging_mvcc"])   // dashboards made for etcd 3.3 and earlier read the second
        {
            Counter(text, $"{prefix}_range_total", counts.Ranges);
            Counter(text, $"{prefix}_put_total", counts.Puts);
            Counter(text, $"{prefix}_delete_total", counts.Deletes);
            Counter(text, $"{prefix}_txn_total", counts.Txns);
        }

        Gauge(text, "etcd_debugging_mvcc_total_put_size_in_bytes", counts.PutBytes);
        Counter(text, "etcd_debugging_mvcc_db_compaction_keys_total", counts.Reclaimed);
        Gauge(text, "etcd_debugging_mvcc_keys_total", view.KeyCount);
        Gauge(text, "etcd_debugging_mvcc_current_revision", view.Revision);
        Gauge(text, "etcd_debugging_mvcc_compact_revision", view.CompactRevision);
        Gauge(text, "etcd_debugging_mvcc_watcher_total", context.Replica.Watches.WatcherCount);
        Gauge(text, "etcd_debugging_mvcc_watch_stream_total", watches.StreamCount);
        Gauge(text, "conclave_watch_held_bytes", watches.HeldBytes);
        Gauge(text, "etcd_debugging_auth_revision", (long)view.Auth.Revision);
        Gauge(text, "conclave_state_mark_index", (long)view.Marks.Index);
        Gauge(text, "conclave_state_quarantined", context.Replica.IsQuarantined ? 1 : 0);
        text.Append("# TYPE etcd_debugging_server_alarms gauge\n");
        foreach (ActiveAlarm alarm in view.Alarms)
            Line(text, $"etcd_debugging_server_alarms{{server_id=\"{alarm.MemberId:x}\",alarm_type=\"{alarm.Alarm switch { AlarmKind.NoSpace => "NOSPACE", AlarmKind.Corrupt => "CORRUPT", _ => "NONE" }}\"}}", 1);
    }

    private static void WriteExpiry(StringBuilder text, params ReadOnlySpan<(string Side, TlsSide? Tls)> sides)
    {
        text.Append("# TYPE conclave_tls_certificate_expiry_seconds gauge\n");
        foreach ((string side, TlsSide? tls) in sides)
        {
            if (tls?.ServedUntil is { } until) Line(text, $"conclave_tls_certificate_expiry_seconds{{side=\"{side}\"}}", new DateTimeOffset(until).ToUnixTimeSeconds());
        }
    }

    private static void Gauge(StringBuilder text, string name, long value)
    {
        int labels = name.IndexOf('{');
        text.Append(CultureInfo.InvariantCulture, $"# TYPE {(labels < 0 ? name : name[..labels])} gauge\n");
        Line(text, name, value);
    }

    private static void Counter(StringBuilder text, string name, long value)
    {
        text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} counter\n");
        Line(text, name, value);
    }

    private static void Line(StringBuilder text, string name, long value) => text.Append(CultureInfo.InvariantCulture, $"{name} {value}\n");
}
