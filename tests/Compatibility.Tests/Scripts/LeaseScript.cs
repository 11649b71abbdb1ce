using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>Leases: ids, limits, keys, and the end of their time.</summary>
internal static class LeaseScript
{
    private const long Short = 73001, Long = 73002, Negative = -73003;

    public static async Task RunAsync(Target t)
    {
        Gateway g = t.Gateway;
        await g.PostAsync("grant", "/v3/lease/grant", $$"""{"ID":{{Long}},"TTL":600}""");
        await g.PostAsync("grant as text", "/v3/lease/grant", $$"""{"ID":"{{Negative}}","TTL":"600"}""");
        await g.PostAsync("a small TTL is raised", "/v3/lease/grant", """{"ID":73004,"TTL":0}""");
        await g.PostAsync("a negative TTL is raised", "/v3/lease/grant", """{"ID":73005,"TTL":-5}""");
        await g.PostAsync("a large TTL is refused", "/v3/lease/grant", """{"ID":73006,"TTL":9000000001}""");
        await g.PostAsync("the largest TTL", "/v3/lease/grant", """{"ID":73007,"TTL":9000000000}""");
        await g.PostAsync("an id above 2^53 stays exact", "/v3/lease/grant", """{"ID":2305843009213693953,"TTL":600}""");
        await g.PostAsync("and can be revoked", "/v3/lease/revoke", """{"ID":2305843009213693953}""");
        await g.PostAsync("id in use", "/v3/lease/grant", $$"""{"ID":{{Long}},"TTL":600}""");

        foreach (string key in (string[])["b", "a"])
            await g.PostAsync($"attach {key}", "/v3/kv/put", $$"""{"key":"{{t.Key(key)}}","value":"MQ==","lease":"{{Long}}"}""");
        await TimeToLiveAsync(t, "time to live with keys", Long, keys: true);
        await TimeToLiveAsync(t, "time to live without keys", Long);
        await g.StreamAsync("keepalive of several", "/v3/lease/keepalive", $$"""{"ID":{{Long}}}{"ID":5}{"ID":"{{Negative}}"}""", 4);
        await g.StreamAsync("keepalive of nothing", "/v3/lease/keepalive", "", 1);
        await g.PostAsync("revoke by the other path", "/v3/kv/lease/revoke", $$"""{"ID":"{{Negative}}"}""");
        await g.StreamAsync("a revoke deletes the keys in order, in one revision", "/v3/watch",
            $$$"""{"create_request":{"key":"{{{t.Key("")}}}","range_end":"{{{t.End("")}}}","prev_kv":true}}""", 2,
            () => g.PostAsync("revoke", "/v3/lease/revoke", $$"""{"ID":{{Long}}}"""));
        await g.PostAsync("revoked", "/v3/lease/timetolive", $$"""{"ID":{{Long}},"keys":true}""");
        await g.PostAsync("revoke the largest", "/v3/lease/revoke", """{"ID":73007}""");
        await ExpireAsync(t);
    }

    /// <summary>The seconds left depend on the moment: only that they are within ten of the grant is compared.</summary>
    public static async Task TimeToLiveAsync(Target t, string name, long id, bool keys = false)
    {
        await t.Gateway.PostAsync(name, "/v3/lease/timetolive", $$"""{"ID":"{{id}}","keys":{{(keys ? "true" : "false")}}}""");
        JsonNode body = t.Seen.Lines[^1].Seen!["body"]!;
        if (body["TTL"]?.GetValue<string>() is { } text && long.Parse(text, CultureInfo.InvariantCulture) is > 0 and var left
            && long.Parse(body["grantedTTL"]!.GetValue<string>(), CultureInfo.InvariantCulture) is var granted && left <= granted && left >= granted - 10)
            body["TTL"] = "nearly all of it";
        if (body["keys"] is JsonArray attached)   // in any order
            body["keys"] = new JsonArray([.. attached.Select(key => key!.GetValue<string>()).Order(StringComparer.Ordinal).Select(key => JsonValue.Create(key))]);
    }

    private static async Task ExpireAsync(Target t)
    {
        Gateway g = t.Gateway;
        long granted = Stopwatch.GetTimestamp();   // before: the answer may be late
        await g.PostAsync("grant a short one", "/v3/lease/grant", $$"""{"ID":{{Short}},"TTL":2}""");
        JsonNode put = (await g.PostAsync("attach to it", "/v3/kv/put", $$"""{"key":"{{t.Key("short")}}","value":"MQ==","lease":{{Short}}}"""))!;   // or somebody else has answered
        // From then on: a busy machine may begin to watch when it is over.
        long next = long.Parse(put["header"]!["revision"]!.GetValue<string>(), CultureInfo.InvariantCulture) + 1;
        await g.StreamAsync("its end is a delete event", "/v3/watch", $$$"""{"create_request":{"key":"{{{t.Key("short")}}}","start_revision":{{{next}}}}}""", 2);
        // Late is allowed, early never is.
        t.Seen.Add("it did not expire early", Stopwatch.GetElapsedTime(granted) >= TimeSpan.FromSeconds(2));
        await g.PostAsync("its key is gone", "/v3/kv/range", $$"""{"key":"{{t.Key("short")}}"}""");
        await g.PostAsync("it is gone", "/v3/lease/timetolive", $$"""{"ID":{{Short}}}""");
        await g.StreamAsync("it can not be renewed", "/v3/lease/keepalive", $$"""{"ID":{{Short}}}""", 2);
        await g.PostAsync("its id is free", "/v3/lease/grant", $$"""{"ID":{{Short}},"TTL":60}""");
        await g.PostAsync("revoke it", "/v3/lease/revoke", $$"""{"ID":{{Short}}}""");
    }
}
