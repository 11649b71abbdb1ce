using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>What a client may get wrong over JSON. All of it goes over one connection, which has to stay usable.</summary>
internal static class BadJsonScript
{
    public static async Task RunAsync(Target t)
    {
        Gateway g = t.Gateway;
        string key = t.Key("k");
        await g.PostAsync("put", "/v3/kv/put", $$"""{"key":"{{key}}","value":"MQ=="}""");
        foreach (string empty in (string[])["", "null", "{}"])
            await g.PostAsync($"the empty message as '{empty}'", "/v3/kv/range", empty);
        foreach (string malformed in (string[])["{", "[]", "\"text\"", "{\"key\"}", "{\"key\":}", "not json", "{\"key\":\"YQ==\""])
            await g.PostAsync($"malformed: {malformed}", "/v3/kv/put", malformed);
        foreach (string wrong in (string[])["\"key\":1", "\"key\":\"%%%\"", "\"lease\":\"abc\"", "\"lease\":1.5", "\"prev_kv\":\"maybe\"", "\"lease\":{}", "\"lease\":99999999999999999999"])
            await g.PostAsync($"wrong type: {wrong}", "/v3/kv/put", $"{{{wrong}}}");
        await g.PostAsync("wrong enum", "/v3/kv/range", $$"""{"key":"{{key}}","sort_order":"UPWARD"}""");
        await g.PostAsync("lower case enum", "/v3/kv/range", $$"""{"key":"{{key}}","sort_order":"descend"}""");
        await g.PostAsync("unknown enum number", "/v3/kv/range", $$"""{"key":"{{key}}","sort_order":77}""");
        await g.PostAsync("empty key", "/v3/kv/put", """{"key":"","value":"MQ=="}""");
        await g.PostAsync("too large", "/v3/kv/put", $$"""{"key":"{{key}}","value":"{{Convert.ToBase64String(new byte[1_600_000])}}"}""");
        await g.PostAsync("just not too large", "/v3/kv/put", $$"""{"key":"{{t.Key("large")}}","value":"{{Convert.ToBase64String(new byte[1_500_000])}}"}""");
        await g.PostAsync("remove it", "/v3/kv/deleterange", $$"""{"key":"{{t.Key("large")}}"}""");
        await g.SendAsync("GET", HttpMethod.Get, "/v3/kv/range", null, null);
        await g.SendAsync("another content type", HttpMethod.Post, "/v3/kv/range", $$"""{"key":"{{key}}"}""", "text/plain");
        await g.SendAsync("no content type", HttpMethod.Post, "/v3/kv/range", $$"""{"key":"{{key}}"}""", null);
        await g.PostAsync("beta path", "/v3beta/kv/range", $$"""{"key":"{{key}}"}""");
        await g.PostAsync("alpha path", "/v3alpha/kv/range", $$"""{"key":"{{key}}"}""");
        await g.PostAsync("unknown path", "/v3/kv/nothing", "{}");
        await g.PostAsync("outside", "/elsewhere", "{}");
        await g.PostAsync("malformed on a streaming path", "/v3/watch", "{");
        await g.PostAsync("nothing changed", "/v3/kv/range", $$"""{"key":"{{key}}"}""");
    }
}
