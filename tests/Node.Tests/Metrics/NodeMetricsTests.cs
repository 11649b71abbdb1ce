using Conclave.Node.Options;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Metrics;

public sealed class NodeMetricsTests : IDisposable
{
    /// <summary>What the dashboard and the alerts read that come with etcd, but for the commit of its second file.</summary>
    private static readonly string[] Usual =
    [
        "etcd_server_has_leader", "etcd_server_is_leader", "etcd_server_leader_changes_seen_total", "etcd_server_proposals_committed_total", "etcd_server_proposals_applied_total",
        "etcd_server_proposals_pending", "etcd_server_proposals_failed_total", "etcd_server_quota_backend_bytes", "etcd_server_slow_apply_total", "etcd_server_slow_read_indexes_total",
        "etcd_server_heartbeat_send_failures_total", "etcd_server_health_success", "etcd_server_health_failures", "etcd_server_version", "etcd_server_id",
        "etcd_disk_wal_fsync_duration_seconds", "etcd_network_peer_round_trip_time_seconds", "etcd_network_peer_sent_bytes_total", "etcd_network_peer_received_bytes_total",
        "etcd_network_peer_sent_failures_total", "etcd_network_peer_received_failures_total", "etcd_network_active_peers", "etcd_network_client_grpc_sent_bytes_total",
        "etcd_network_client_grpc_received_bytes_total", "etcd_mvcc_db_total_size_in_bytes", "etcd_mvcc_db_total_size_in_use_in_bytes", "etcd_debugging_mvcc_db_total_size_in_bytes",
        "etcd_mvcc_put_total", "etcd_mvcc_range_total", "etcd_mvcc_delete_total", "etcd_mvcc_txn_total", "etcd_debugging_mvcc_put_total", "etcd_debugging_mvcc_keys_total",
        "etcd_debugging_mvcc_watcher_total", "etcd_debugging_mvcc_watch_stream_total", "etcd_debugging_lease_granted_total", "etcd_debugging_lease_revoked_total",
        "grpc_server_started_total", "grpc_server_handled_total", "grpc_server_handling_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total",
        "process_open_fds", "process_max_fds", "process_start_time_seconds",
    ];

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_cluster_says_what_dashboards_read_in_the_form_that_they_can_read()
    {
        TestNode[] nodes = await Task.WhenAll(TestNode.Cluster(3, _directory).Select(options => TestNode.StartAsync(options)));
        try
        {
            await nodes[0].PutAsync("a", "1");
            await nodes[0].PostAsync("/v3/lease/grant", new { TTL = 60, ID = 5 });
            // A member may hear of the lease, and see its connections, later than the one that was asked.
            MetricsText? seen = null;
            await TestNode.EventuallyAsync("it is connected, round trips are measured and the lease is applied", async () =>
            {
                seen = new MetricsText(await nodes[1].GetTextAsync("/metrics"));
                return seen.Of("etcd_network_peer_round_trip_time_seconds_count").Count(sample => sample.Value > 0) == 2
                    && seen.Of("etcd_network_active_peers").Sum(sample => sample.Value) == 2 && seen["etcd_debugging_lease_granted_total"] > 0;
            });
            MetricsText metrics = seen!;   // set before the wait ended
            Assert.Empty(Usual.Except(metrics.Families));
            Assert.Equal(2, metrics.Of("etcd_network_peer_round_trip_time_seconds_count").Count());
            Assert.All(metrics.Of("etcd_network_peer_received_bytes_total"), sample => Assert.Matches("""\{From="[0-9a-f]+"\}$""", sample.Key));
            Assert.Equal(2, metrics.Of("etcd_network_peer_received_bytes_total").Count(sample => sample.Value > 0));
            Assert.Equal(2, metrics.Of("etcd_network_active_peers").Sum(sample => sample.Value));
            Assert.Equal(1, metrics["etcd_debugging_lease_granted_total"]);
            Assert.NotEmpty(metrics.Histograms);
            foreach ((string family, string labels) in metrics.Histograms)
            {
                IReadOnlyList<(double Bound, double Count)> buckets = metrics.Buckets(family, labels);
                string braces = labels.Length == 0 ? "" : $"{{{labels}}}";
                Assert.Equal(double.PositiveInfinity, buckets[^1].Bound);
                Assert.Equal(buckets.OrderBy(bucket => bucket.Bound).ThenBy(bucket => bucket.Count), buckets);
                Assert.Equal(buckets[^1].Count, metrics[$"{family}_count{braces}"]);
                Assert.True(metrics[$"{family}_sum{braces}"] >= 0);
            }
        }
        finally
        {
            foreach (TestNode node in nodes) await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_a_node_finds_in_its_log_is_not_counted_again()
    {
        NodeOptions options = TestNode.Alone(_directory);
        await using (TestNode node = await TestNode.StartAsync(options))
        {
            for (int i = 0; i < 10; i++) await node.PutAsync("a", $"{i}");
            await node.PostAsync("/v3/lease/grant", new { TTL = 60, ID = 5 });
            var before = new MetricsText(await node.GetTextAsync("/metrics"));
            Assert.Equal((10, 1, 20), (before["etcd_mvcc_put_total"], before["etcd_debugging_lease_granted_total"], before["etcd_debugging_mvcc_total_put_size_in_bytes"]));
        }

        await using TestNode again = await TestNode.StartAsync(options);
        Assert.Equal("9", await again.GetAsync("a"));
        await again.PutAsync("a", "b");
        await again.PostAsync("/v3/lease/keepalive", new { ID = 5 });
        await again.PostAsync("/v3/lease/revoke", new { ID = 5 });
        var after = new MetricsText(await again.GetTextAsync("/metrics"));
        Assert.Equal((1, 0, 2), (after["etcd_mvcc_put_total"], after["etcd_debugging_lease_granted_total"], after["etcd_debugging_mvcc_total_put_size_in_bytes"]));
        Assert.Equal((1, 1, 0), (after["etcd_debugging_lease_renewed_total"], after["etcd_debugging_lease_revoked_total"], after["etcd_debugging_server_lease_expired_total"]));
    }

    [Fact]
    public async Task A_lease_that_ran_out_is_told_from_one_that_was_revoked()
    {
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory));
        await node.PostAsync("/v3/lease/grant", new { TTL = 1, ID = 5 });
        await node.PostAsync("/v3/lease/grant", new { TTL = 60, ID = 6 });
        await node.PostAsync("/v3/lease/revoke", new { ID = 6 });
        await TestNode.EventuallyAsync("the first runs out", async () => new MetricsText(await node.GetTextAsync("/metrics"))["etcd_debugging_lease_revoked_total"] == 2);
        var metrics = new MetricsText(await node.GetTextAsync("/metrics"));
        Assert.Equal((1, 2), (metrics["etcd_debugging_server_lease_expired_total"], metrics["etcd_debugging_lease_ttl_total_count"]));
    }

    [Fact]
    public async Task Without_a_quota_no_alert_compares_with_one()
    {
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory) with { QuotaBackendBytes = -1 });
        var metrics = new MetricsText(await node.GetTextAsync("/metrics"));
        Assert.Empty(metrics.Of("etcd_server_quota_backend_bytes"));
        Assert.NotEmpty(metrics.Of("etcd_mvcc_db_total_size_in_bytes"));
    }

    [Fact]
    public async Task Codes_that_did_not_happen_are_zero_from_the_first_call_on()
    {
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory));
        const string unavailable = "grpc_server_handled_total{grpc_type=\"unary\",grpc_service=\"etcdserverpb.KV\",grpc_method=\"Put\",grpc_code=\"Unavailable\"}";
        Assert.Empty(new MetricsText(await node.GetTextAsync("/metrics")).Of(unavailable));
        await node.PutAsync("a", "1");
        Assert.Equal(0, new MetricsText(await node.GetTextAsync("/metrics"))[unavailable]);
    }

    [Fact]
    public async Task Answers_about_health_are_counted()
    {
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory));
        await node.PutAsync("a", "1");   // it leads
        await node.GetTextAsync("/health");
        await node.PostAsync("/v3/maintenance/alarm", new { action = "ACTIVATE", alarm = "NOSPACE" });
        await TestNode.EventuallyAsync("the alarm shows", async () => (await node.GetTextAsync("/metrics")).Contains("alarm_type=\"NOSPACE\"", StringComparison.Ordinal));
        using var http = new HttpClient { BaseAddress = node.Options.ListenClientUrls[0] };
        Assert.False((await http.GetAsync("/health", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        var metrics = new MetricsText(await node.GetTextAsync("/metrics"));
        Assert.Equal((1, 1), (metrics["etcd_server_health_success"], metrics["etcd_server_health_failures"]));
    }
}
