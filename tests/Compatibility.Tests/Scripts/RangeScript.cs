using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>KV.Range with every option, over keys whose order differs by key, version, creation, modification and value.</summary>
internal static class RangeScript
{
    public static async Task RunAsync(Target t)
    {
        Gateway g = t.Gateway;
        (string Key, string Value)[] writes = [("c", "5"), ("a", "4"), ("b", "3"), ("a", "2"), ("d", "1"), ("c", "0"), ("c", "9"), ("e", "8")];
        for (int i = 0; i < writes.Length; i++)
            await g.PostAsync($"write {i}", "/v3/kv/put", $$"""{"key":"{{t.Key(writes[i].Key)}}","value":"{{Gateway.Base64(writes[i].Value)}}"}""");
        await g.PostAsync("delete e", "/v3/kv/deleterange", $$"""{"key":"{{t.Key("e")}}"}""");

        string all = $$""" "key":"{{t.Key("")}}","range_end":"{{t.End("")}}" """;
        Task RangeAsync(string name, string rest) => g.PostAsync(name, "/v3/kv/range", $"{{{all}{rest}}}");
        long first = t.FirstRevision;

        await RangeAsync("all", "");
        foreach (string target in (string[])["KEY", "VERSION", "CREATE", "MOD", "VALUE"])
        {
            // Versions 1 and 2 occur twice, and the order of equals is nobody's promise: look only at the ends.
            string limit = target == "VERSION" ? ""","limit":1""" : "";
            await RangeAsync($"ascending by {target}", $$""","sort_order":"ASCEND","sort_target":"{{target}}"{{(target == "VERSION" ? ""","limit":0,"keys_only":true,"count_only":true""" : "")}}""");
            await RangeAsync($"descending by {target}", $$""","sort_order":"DESCEND","sort_target":"{{target}}"{{limit}}""");
            if (target != "VERSION")
                await RangeAsync($"no order by {target}", $$""","sort_order":"NONE","sort_target":"{{target}}" """);
        }
        await RangeAsync("enums as numbers", ""","sort_order":2,"sort_target":3""");
        await RangeAsync("sorted, then limited", ""","sort_order":"DESCEND","sort_target":"MOD","limit":2""");
        await RangeAsync("limit below the count", ""","limit":2""");
        await RangeAsync("limit equal to the count", ""","limit":4""");
        await RangeAsync("limit above the count", ""","limit":"10" """);
        await RangeAsync("negative limit", ""","limit":-1""");
        await RangeAsync("count only", ""","count_only":true""");
        await RangeAsync("count only with a limit", ""","count_only":true,"limit":1""");
        await RangeAsync("keys only", ""","keys_only":true""");
        await RangeAsync("serializable", ""","serializable":true""");
        for (int back = 0; back <= 9; back += 3)
            await RangeAsync($"at revision {back}", $$""","revision":{{first + back}}""");
        await RangeAsync("negative revision means now", ""","revision":-5""");
        await RangeAsync("count at an old revision", $$""","revision":{{first + 2}},"count_only":true""");
        await RangeAsync("min mod revision", $$""","min_mod_revision":{{first + 5}}""");
        await RangeAsync("max mod revision", $$""","max_mod_revision":{{first + 5}}""");
        await RangeAsync("min create revision", $$""","min_create_revision":{{first + 3}}""");
        await RangeAsync("max create revision", $$""","max_create_revision":{{first + 2}}""");
        await RangeAsync("filters do not change count, limit comes after them", $$""","min_mod_revision":{{first + 4}},"limit":1""");
        await RangeAsync("future revision", $$""","revision":{{first + 100_000}}""");
        await RangeAsync("future revision, count only", $$""","revision":{{first + 100_000}},"count_only":true""");

        await g.PostAsync("half-open range", "/v3/kv/range", $$"""{"key":"{{t.Key("b")}}","range_end":"{{t.Key("d")}}","keys_only":true}""");
        await g.PostAsync("empty range", "/v3/kv/range", $$"""{"key":"{{t.Key("b")}}","range_end":"{{t.Key("b")}}"}""");
        await g.PostAsync("reversed range", "/v3/kv/range", $$"""{"key":"{{t.Key("d")}}","range_end":"{{t.Key("b")}}"}""");
        await FromKeyAsync(g);
        await g.PostAsync("missing key", "/v3/kv/range", $$"""{"key":"{{t.Key("nothing")}}"}""");
        await g.PostAsync("empty key with an end", "/v3/kv/range", $$"""{"key":"","range_end":"{{t.Key("b")}}"}""");
        await g.PostAsync("camel case", "/v3/kv/range", $$"""{"key":"{{t.Key("a")}}","rangeEnd":"{{t.Key("c")}}","keysOnly":true}""");
    }

    /// <summary>Keys above everything else in the store, so that "from this key on" finds nothing of other scripts.</summary>
    private static async Task FromKeyAsync(Gateway g)
    {
        string[] keys = [.. ((byte[])[1, 2, 3]).Select(last => Convert.ToBase64String([0xff, 0xff, last]))];
        foreach (string key in keys)
            await g.PostAsync($"put at the top {key}", "/v3/kv/put", $$"""{"key":"{{key}}","value":"MQ=="}""");
        await g.PostAsync("from key", "/v3/kv/range", $$"""{"key":"{{keys[1]}}","range_end":"AA=="}""");
        await g.PostAsync("from key with a limit", "/v3/kv/range", $$"""{"key":"{{keys[0]}}","range_end":"AA==","limit":2}""");
        await g.PostAsync("from key, last first", "/v3/kv/range", $$"""{"key":"{{keys[0]}}","range_end":"AA==","limit":1,"sort_order":"DESCEND"}""");
        await g.PostAsync("delete from key", "/v3/kv/deleterange", $$"""{"key":"{{keys[0]}}","range_end":"AA==","prev_kv":true}""");
    }
}
