using System.Text;

namespace Conclave.Node.Metrics;

/// <summary>What each series of /metrics means, for those who look at it in a browser of metrics.</summary>
internal static class MetricHelp
{
    private static readonly Dictionary<string, string> Texts = new(StringComparer.Ordinal)
    {
        ["etcd_server_has_leader"] = "1 when this member knows a leader.",
        ["etcd_server_is_leader"] = "1 when this member leads.",
        ["etcd_server_is_learner"] = "1 when this member does not vote.",
        ["etcd_server_leader_changes_seen_total"] = "Leaders that this member has met since it started.",
        ["etcd_server_proposals_committed_total"] = "Index of the newest committed entry.",
        ["etcd_server_proposals_applied_total"] = "Index of the newest applied entry.",
        ["etcd_server_proposals_pending"] = "Writes that came to this member and have no answer yet.",
        ["etcd_server_proposals_failed_total"] = "Writes that came to this member and were not carried out, or nobody knows.",
        ["etcd_server_quota_backend_bytes"] = "Stored bytes that raise the NOSPACE alarm; not there without a quota.",
        ["etcd_server_id"] = "Id of this member, as a label.",
        ["etcd_server_version"] = "Version of etcd that this member behaves as, as a label.",
        ["etcd_cluster_version"] = "Version of etcd that the cluster behaves as, as a label.",
        ["conclave_node_version"] = "Version of conclave-node, as a label.",
        ["conclave_log_lost_end"] = "Index that the log may have reached before its disk was found damaged; 0 when nothing is missing, -1 when only the term is known.",
        ["conclave_scrub_read_bytes_total"] = "Bytes of cold files that were read again.",
        ["conclave_scrub_rounds_total"] = "Times that all cold files were read again.",
        ["conclave_scrub_findings_total"] = "Damage that was found in cold files.",
        ["etcd_network_known_peers"] = "1 for each other member that there is.",
        ["etcd_network_active_peers"] = "1 when there is a connection to that member.",
        ["conclave_peer_refused_total"] = "Connections from other members that were refused.",
        ["etcd_network_disconnected_peers_total"] = "Connections to that member that ended.",
        ["etcd_network_peer_received_bytes_total"] = "Bytes from another member.",
        ["etcd_network_peer_received_failures_total"] = "Connections from another member that were closed because of what came.",
        ["etcd_network_peer_round_trip_time_seconds"] = "Time of a frame to another member and of one back.",
        ["etcd_network_peer_sent_bytes_total"] = "Bytes to another member.",
        ["etcd_network_peer_sent_failures_total"] = "Messages to another member that were dropped; they are repeated.",
        ["etcd_mvcc_db_total_size_in_bytes"] = "Stored bytes, history included.",
        ["etcd_mvcc_db_total_size_in_use_in_bytes"] = "Stored bytes without what compaction gives back.",
        ["etcd_debugging_mvcc_keys_total"] = "Keys that there are.",
        ["etcd_debugging_mvcc_current_revision"] = "Newest revision.",
        ["etcd_debugging_mvcc_compact_revision"] = "Revision of the newest compaction; -1 before the first.",
        ["etcd_debugging_mvcc_watcher_total"] = "Watches on this member.",
        ["etcd_debugging_mvcc_watch_stream_total"] = "Streams of watches on this member.",
        ["conclave_watch_held_bytes"] = "Bytes of events that wait for clients.",
        ["etcd_debugging_auth_revision"] = "Counts changes of users, roles and permissions.",
        ["conclave_state_mark_index"] = "Entry at which the members compared their states last.",
        ["conclave_state_quarantined"] = "1 when this member stands aside because its state is wrong.",
        ["etcd_debugging_server_alarms"] = "Alarms that are raised, each with its member.",
        ["etcd_server_slow_apply_total"] = "Entries of the log that took longer than 0.1 s to apply.",
        ["etcd_server_slow_read_indexes_total"] = "Rounds of linearizable reads that no leader confirmed in time.",
        ["etcd_server_heartbeat_send_failures_total"] = "Heartbeats that this member, as a leader, sent later than an interval after they were due.",
        ["etcd_server_snapshot_apply_in_progress_total"] = "1 while a snapshot takes the place of the state.",
        ["etcd_server_health_success"] = "Answers of /health that all is well.",
        ["etcd_server_health_failures"] = "Answers of /health that something is not.",
        ["etcd_mvcc_range_total"] = "Ranges, those within transactions included.",
        ["etcd_mvcc_put_total"] = "Puts, those within transactions included.",
        ["etcd_mvcc_delete_total"] = "Deletions, however many keys they met; and keys that went with their lease.",
        ["etcd_mvcc_txn_total"] = "Requests, or the compares of one, that were more than one operation.",
        ["etcd_debugging_mvcc_range_total"] = "The same as etcd_mvcc_range_total.",
        ["etcd_debugging_mvcc_put_total"] = "The same as etcd_mvcc_put_total.",
        ["etcd_debugging_mvcc_delete_total"] = "The same as etcd_mvcc_delete_total.",
        ["etcd_debugging_mvcc_txn_total"] = "The same as etcd_mvcc_txn_total.",
        ["etcd_debugging_mvcc_db_total_size_in_bytes"] = "The same as etcd_mvcc_db_total_size_in_bytes.",
        ["etcd_debugging_mvcc_total_put_size_in_bytes"] = "Bytes of keys and values that were put.",
        ["etcd_debugging_mvcc_db_compaction_keys_total"] = "Versions of keys that compactions gave back; those of compactions that a start finds in its log and does again, too.",
        ["etcd_debugging_lease_granted_total"] = "Leases that were granted.",
        ["etcd_debugging_lease_revoked_total"] = "Leases that ended, revoked or expired.",
        ["etcd_debugging_lease_renewed_total"] = "Renewals of leases by this member as the leader.",
        ["etcd_debugging_server_lease_expired_total"] = "Leases that had run out when they ended, with this member as the leader.",
        ["etcd_debugging_lease_ttl_total"] = "Seconds that leases were granted for.",
        ["process_virtual_memory_bytes"] = "Address space of the process.",
        ["os_fd_used"] = "The same as process_open_fds.",
        ["os_fd_limit"] = "The same as process_max_fds.",
        ["process_resident_memory_bytes"] = "Memory of the process.",
        ["process_cpu_seconds_total"] = "Processor time of the process.",
        ["process_start_time_seconds"] = "Start of the process, in seconds since 1970.",
        ["process_open_fds"] = "Open file descriptors.",
        ["process_max_fds"] = "File descriptors that the process may open.",
        ["dotnet_gc_heap_bytes"] = "Bytes on the managed heap.",
        ["dotnet_gc_pause_milliseconds_total"] = "Time that collections of garbage stopped the process.",
        ["etcd_disk_wal_fsync_duration_seconds"] = "Time of a write and sync of the log.",
        ["grpc_server_started_total"] = "Calls that began.",
        ["grpc_server_msg_received_total"] = "Messages from clients.",
        ["grpc_server_msg_sent_total"] = "Messages to clients.",
        ["grpc_server_handled_total"] = "Calls that ended, with their gRPC code.",
        ["grpc_server_handling_seconds"] = "Time of calls; of streams, their life.",
        ["etcd_network_client_grpc_received_bytes_total"] = "Bytes of messages from clients.",
        ["etcd_network_client_grpc_sent_bytes_total"] = "Bytes of messages to clients.",
        ["conclave_client_refused_total"] = "Clients and calls that were turned away.",
        ["conclave_client_connections"] = "Open connections of clients.",
        ["conclave_config_streams"] = "Agents and programs that follow the configuration here.",
        ["conclave_config_stream_wakes_total"] = "Times that one of them was looked after.",
        ["conclave_config_damaged_spaces"] = "Configuration spaces that cannot be read.",
        ["conclave_config_release"] = "Newest release of a configuration space.",
        ["conclave_config_nodes"] = "Nodes of a configuration space.",
        ["conclave_config_entries"] = "Entries of a configuration space.",
        ["conclave_config_rollouts_active"] = "Rollouts under way in a configuration space.",
        ["conclave_config_secrets"] = "Secrets of a configuration space.",
        ["conclave_tls_certificate_expiry_seconds"] = "End of the certificate in use, in seconds since 1970.",
    };

    private const string TypeMark = "# TYPE ";

    /// <summary>The same text with a line of help above each type.</summary>
    public static string AddTo(StringBuilder metrics)
    {
        var text = new StringBuilder(metrics.Length + (8 << 10));
        foreach (ReadOnlySpan<char> line in metrics.ToString().AsSpan().EnumerateLines())
        {
            if (line.IsEmpty) continue;
            if (line.StartsWith(TypeMark, StringComparison.Ordinal) && line[TypeMark.Length..] is var rest && rest.IndexOf(' ') is > 0 and var end
                && Texts.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(rest[..end], out string? help))
                text.Append("# HELP ").Append(rest[..end]).Append(' ').Append(help).Append('\n');
            text.Append(line).Append('\n');
        }

        return text.ToString();
    }
}
