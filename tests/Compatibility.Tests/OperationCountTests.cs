using System.Globalization;
using System.Text;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Compatibility.Tests;

/// <summary>What the operation counters of /metrics do for a request, beside etcd's: dashboards of both mean the same.</summary>
public sealed class OperationCountTests
{
    private static readonly string[] Counters =
    [
        "etcd_mvcc_put_total", "etcd_mvcc_range_total", "etcd_mvcc_delete_total", "etcd_mvcc_txn_total", "etcd_debugging_mvcc_total_put_size_in_bytes",
        "etcd_debugging_lease_granted_total", "etcd_debugging_lease_revoked_total", "etcd_debugging_lease_renewed_total", "etcd_debugging_lease_ttl_total_count",
        "etcd_debugging_lease_ttl_total_sum",
    ];

    /// <summary>k, a1 to a4 and a to b are names of keys in base64.</summary>
    private static readonly (string Name, string Path, string Body)[] Requests =
    [
        ("put", "kv/put", """{"key":"aw==","value":"djE="}"""),
        ("put, previous wanted", "kv/put", """{"key":"aw==","value":"djE=","prev_kv":true}"""),
        ("put, same value", "kv/put", """{"key":"aw==","ignore_value":true}"""),
        ("put, same value of no key", "kv/put", """{"key":"YTQ=","ignore_value":true}"""),
        ("put, no such lease", "kv/put", """{"key":"aw==","lease":"77"}"""),
        ("txn of two puts", "kv/txn", """{"success":[{"requestPut":{"key":"YTE="}},{"requestPut":{"key":"YTI="}}]}"""),
        ("txn of one put", "kv/txn", """{"success":[{"requestPut":{"key":"YTM="}}]}"""),
        ("txn with a compare", "kv/txn", """{"compare":[{"key":"YTM=","target":"VERSION","version":"1"}],"success":[{"requestPut":{"key":"YTM="}}]}"""),
        ("txn whose first compare fails", "kv/txn", """{"compare":[{"key":"YTM=","target":"VERSION","version":"9"},{"key":"YTE=","target":"VERSION","version":"9"}],"failure":[{"requestPut":{"key":"YTM="}}]}"""),
        ("txn of compares alone", "kv/txn", """{"compare":[{"key":"YTM=","target":"VERSION","version":"3"},{"key":"YTE=","target":"VERSION","version":"1"}]}"""),
        ("txn of nothing", "kv/txn", "{}"),
        ("txn of a range", "kv/txn", """{"success":[{"requestRange":{"key":"YTE="}}]}"""),
        ("txn of two ranges", "kv/txn", """{"success":[{"requestRange":{"key":"YTE="}},{"requestRange":{"key":"YTI="}}]}"""),
        ("txn of everything", "kv/txn", """{"compare":[{"key":"YTE=","target":"VERSION","version":"1"}],"success":[{"requestPut":{"key":"aw==","prevKv":true}},{"requestRange":{"key":"YTE="}},{"requestDeleteRange":{"key":"YTI=","prevKv":true}}]}"""),
        ("txn in a txn", "kv/txn", """{"compare":[{"key":"YTE=","target":"VERSION","version":"1"}],"success":[{"requestTxn":{"compare":[{"key":"YTE=","target":"VERSION","version":"1"}],"success":[{"requestPut":{"key":"YTI="}}]}}]}"""),
        ("txn, same value", "kv/txn", """{"success":[{"requestPut":{"key":"aw==","ignoreValue":true}}]}"""),
        ("txn, same value of no key", "kv/txn", """{"success":[{"requestPut":{"key":"aw=="}},{"requestPut":{"key":"YTQ=","ignoreValue":true}}]}"""),
        ("txn, no such lease", "kv/txn", """{"compare":[{"key":"YTE=","target":"VERSION","version":"1"}],"success":[{"requestPut":{"key":"aw==","lease":"77"}}]}"""),
        ("txn of a future range", "kv/txn", """{"success":[{"requestRange":{"key":"YTE=","revision":"9999"}}]}"""),
        ("txn of a put and a future range", "kv/txn", """{"success":[{"requestPut":{"key":"aw=="}},{"requestRange":{"key":"YTE=","revision":"9999"}}]}"""),
        ("range", "kv/range", """{"key":"YTE="}"""),
        ("range, serializable", "kv/range", """{"key":"YTE=","serializable":true}"""),
        ("range of no key", "kv/range", """{"key":"YTQ="}"""),
        ("range of several", "kv/range", """{"key":"YQ==","range_end":"Yg==","limit":2}"""),
        ("count", "kv/range", """{"key":"YQ==","range_end":"Yg==","count_only":true}"""),
        ("range of the future", "kv/range", """{"key":"YTE=","revision":"9999"}"""),
        ("deletion of three", "kv/deleterange", """{"key":"YQ==","range_end":"Yg=="}"""),
        ("deletion of none", "kv/deleterange", """{"key":"YTE="}"""),
        ("deletion, previous wanted", "kv/deleterange", """{"key":"aw==","prev_kv":true}"""),
        ("grant", "lease/grant", """{"TTL":300,"ID":55}"""),
        ("grant again", "lease/grant", """{"TTL":300,"ID":55}"""),
        ("put with a lease", "kv/put", """{"key":"YTE=","lease":"55"}"""),
        ("another", "kv/put", """{"key":"YTI=","lease":"55"}"""),
        ("renewal", "lease/keepalive", """{"ID":55}"""),
        ("renewal of no lease", "lease/keepalive", """{"ID":56}"""),
        ("time to live", "lease/timetolive", """{"ID":55,"keys":true}"""),
        ("revoke", "lease/revoke", """{"ID":55}"""),
        ("revoke again", "lease/revoke", """{"ID":55}"""),
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_request_counts_as_it_does_in_etcd()
    {
        Assert.SkipUnless(Clusters.HasEtcd, "etcd is not installed. Run: apt-get install etcd-server");
        List<string> expected = await CountedAsync(ServerKind.Etcd), counted = await CountedAsync(Clusters.SubjectKind);
        Assert.Contains("put: etcd_mvcc_put_total 1, etcd_debugging_mvcc_total_put_size_in_bytes 3", expected);   // something is read
        Assert.Equal(expected, counted);
    }

    private static async Task<List<string>> CountedAsync(ServerKind kind)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = kind, Members = 1 }, Cancellation);
        await cluster.WaitUntilAllServeAsync(TimeSpan.FromSeconds(60));
        using var http = new HttpClient { BaseAddress = cluster.Members[0].ClientUrl, Timeout = TimeSpan.FromSeconds(30) };
        var counted = new List<string>();
        double[] before = await ReadAsync(http);
        foreach ((string name, string path, string body) in Requests)
        {
            using HttpResponseMessage answer = await http.PostAsync($"/v3/{path}", new StringContent(body, Encoding.UTF8, "application/json"), Cancellation);
            await answer.Content.ReadAsStringAsync(Cancellation);   // a renewal has counted only with its answer
            double[] after = await ReadAsync(http);
            counted.Add($"{name}: {string.Join(", ", Counters.Select((counter, i) => (counter, after[i] - before[i])).Where(each => each.Item2 != 0).Select(each => $"{each.counter} {each.Item2}"))}");
            before = after;
        }

        return counted;
    }

    private static async Task<double[]> ReadAsync(HttpClient http)
    {
        string[] lines = (await http.GetStringAsync("/metrics", Cancellation)).Split('\n');
        return [.. Counters.Select(counter => double.Parse(lines.Single(line => line.StartsWith(counter + " ", StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture))];
    }
}
