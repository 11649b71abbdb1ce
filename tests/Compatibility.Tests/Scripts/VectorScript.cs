using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>The contract's test vectors, in their order but for the lock and election ones (<see cref="RecipeScript"/>); revisions count from the start of the script.</summary>
internal static class VectorScript
{
    private const long Lease = 71234, UnknownLease = 99;

    public static async Task RunAsync(Target t)
    {
        (string foo, string a, Gateway g) = (t.Key("foo"), t.Key("a"), t.Gateway);
        await g.PostAsync("1 put", "/v3/kv/put", $$"""{"key":"{{foo}}","value":"YmFy"}""");
        await g.PostAsync("2 put with prev_kv", "/v3/kv/put", $$"""{"key":"{{foo}}","value":"YmF6","prev_kv":true}""");
        await g.PostAsync("3 range", "/v3/kv/range", $$"""{"key":"{{foo}}"}""");
        await g.PostAsync("4 empty range", "/v3/kv/range", $$"""{"key":"{{t.Key("nothing")}}","range_end":"{{t.End("nothing")}}"}""");
        await g.PostAsync("5 keys only", "/v3/kv/range", $$"""{"key":"{{foo}}","keys_only":true}""");
        await g.PostAsync("6 future revision", "/v3/kv/range", $$"""{"key":"{{foo}}","revision":{{t.FirstRevision + 99_000}}}""");
        await g.PostAsync("7 no key", "/v3/kv/range", "{}");
        await g.PostAsync("8 txn succeeds", "/v3/kv/txn", $$$"""
            {"compare":[{"key":"{{{foo}}}","target":"VERSION","result":"EQUAL","version":"2"}],
             "success":[{"request_range":{"key":"{{{foo}}}"}},{"request_put":{"key":"{{{a}}}","value":"Yg=="}}]}
            """);
        await g.PostAsync("9 txn fails", "/v3/kv/txn", $$$"""
            {"compare":[{"key":"{{{foo}}}","target":"CREATE","result":"EQUAL","create_revision":"0"}],
             "failure":[{"request_delete_range":{"key":"{{{a}}}","prev_kv":true}}]}
            """);
        await LeasesAsync(t);
        await ClusterAsync(t);
        await CompactionAsync(t, foo, a);
        Gateway leader = await t.LeaderGatewayAsync();
        await leader.PostAsync("29 transfer leadership to nobody", "/v3/maintenance/transfer-leadership", """{"targetID":"1"}""");
        await g.PostAsync("30 authenticate with auth off", "/v3/auth/authenticate", """{"name":"x","password":"y"}""");
        await g.PostAsync("31 unknown path", "/v3/nothere", "{}");
    }

    private static async Task LeasesAsync(Target t)
    {
        Gateway g = t.Gateway;
        string? chosen = (await g.PostAsync("10 grant", "/v3/lease/grant", """{"TTL":30,"ID":0}"""))?["ID"]?.GetValue<string>();
        await g.PostAsync("10b revoke", "/v3/lease/revoke", $$"""{"ID":"{{chosen}}"}""");
        await g.PostAsync("11 grant with id", "/v3/lease/grant", $$"""{"TTL":30,"ID":{{Lease}}}""");
        await g.PostAsync("11b grant with id again", "/v3/lease/grant", $$"""{"TTL":30,"ID":{{Lease}}}""");
        await g.StreamAsync("12 keepalive", "/v3/lease/keepalive", $$"""{"ID":{{Lease}}}""", 2);
        await g.StreamAsync("13 keepalive of an unknown lease", "/v3/lease/keepalive", $$"""{"ID":{{UnknownLease}}}""", 2);
        await LeaseScript.TimeToLiveAsync(t, "14 time to live", Lease);
        await g.PostAsync("15 time to live of an unknown lease", "/v3/lease/timetolive", $$"""{"ID":{{UnknownLease}}}""");
        await g.PostAsync("16 revoke an unknown lease", "/v3/lease/revoke", $$"""{"ID":{{UnknownLease}}}""");
        await g.PostAsync("20b revoke", "/v3/lease/revoke", $$"""{"ID":{{Lease}}}""");
    }

    private static async Task ClusterAsync(Target t)
    {
        Gateway g = t.Gateway;
        await g.PostAsync("21 member list", "/v3/cluster/member/list", "{}");
        Target.SortMembersByName(t.Seen.Lines[^1].Seen!["body"]!);
        await g.PostAsync("22 status", "/v3/maintenance/status", "{}");
        await g.PostAsync("23 alarms", "/v3/maintenance/alarm", """{"action":"GET"}""");
        await g.PostAsync("24 hash", "/v3/maintenance/hash", "{}");
        await g.PostAsync("24b defragment", "/v3/maintenance/defragment", "{}");
    }

    /// <summary>Vectors 25 to 28; afterwards history before the script's second revision is gone.</summary>
    private static async Task CompactionAsync(Target t, string foo, string a)
    {
        Gateway g = t.Gateway;
        long at = t.FirstRevision + 2;
        await g.PostAsync("25 compact", "/v3/kv/compaction", $$"""{"revision":{{at}}}""");
        await g.PostAsync("25b compact again", "/v3/kv/compaction", $$"""{"revision":{{at}}}""");
        await g.PostAsync("25c compact the future", "/v3/kv/compaction", $$"""{"revision":{{at + 100_000}}}""");
        await g.PostAsync("25d range before the compaction", "/v3/kv/range", $$"""{"key":"{{foo}}","revision":{{at - 1}}}""");
        await g.PostAsync("25e range at the compaction", "/v3/kv/range", $$"""{"key":"{{foo}}","revision":{{at}}}""");
        await g.StreamAsync("26 watch from before the compaction", "/v3/watch", $$$"""{"create_request":{"key":"{{{foo}}}","start_revision":{{{at - 1}}}}}""", 2);
        await g.StreamAsync("27 watch from the compaction", "/v3/watch", $$$"""{"create_request":{"key":"{{{foo}}}","start_revision":{{{at}}},"prev_kv":true}}""", 2);
        await g.StreamAsync("28 watch history", "/v3/watch", $$$"""{"create_request":{"key":"{{{a}}}","start_revision":{{{at + 1}}}}}""", 2);
    }
}
