using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>KV.Put and KV.DeleteRange with every option.</summary>
internal static class PutScript
{
    private const long LeaseA = 72001, LeaseB = 72002;

    public static async Task RunAsync(Target t)
    {
        Gateway g = t.Gateway;
        string Put(string key, string rest) => $$"""{"key":"{{t.Key(key)}}"{{rest}}}""";
        Task PutAsync(string name, string key, string rest) => g.PostAsync(name, "/v3/kv/put", Put(key, rest));
        Task GetAsync(string name, string key) => g.PostAsync(name, "/v3/kv/range", Put(key, ""));

        await PutAsync("create", "k", ""","value":"MQ==" """);
        await PutAsync("same value again", "k", ""","value":"MQ==","prev_kv":true""");
        await GetAsync("a put of the same value takes a revision", "k");
        await PutAsync("empty value", "k", "");
        await GetAsync("an empty value is a value", "k");
        await PutAsync("camel case names", "k", ""","value":"Mg==","prevKv":true""");
        await PutAsync("unknown fields", "k", ""","value":"Mw==","nonsense":{"deep":[1,2]}""");
        await PutAsync("null fields", "k", ""","value":null,"lease":null""");

        await g.PostAsync("grant A", "/v3/lease/grant", $$"""{"ID":{{LeaseA}},"TTL":60}""");
        await g.PostAsync("grant B", "/v3/lease/grant", $$"""{"ID":{{LeaseB}},"TTL":60}""");
        await PutAsync("attach to A", "leased", $$""","value":"MQ==","lease":{{LeaseA}}""");
        await PutAsync("keep the lease", "leased", ""","value":"Mg==","ignore_lease":true""");
        await GetAsync("the lease is kept", "leased");
        await PutAsync("move to B, keep the value", "leased", $$""","ignore_value":true,"lease":"{{LeaseB}}","prev_kv":true""");
        await GetAsync("the value is kept", "leased");
        await PutAsync("detach", "leased", ""","value":"Mw==" """);
        await PutAsync("attach another to B", "other", $$""","value":"MQ==","lease":{{LeaseB}}""");
        await g.PostAsync("revoke A", "/v3/lease/revoke", $$"""{"ID":{{LeaseA}}}""");
        await g.PostAsync("revoke B deletes its key in one revision", "/v3/lease/revoke", $$"""{"ID":{{LeaseB}}}""");
        await g.PostAsync("only the attached key is gone", "/v3/kv/range", $$"""{"key":"{{t.Key("")}}","range_end":"{{t.End("")}}","keys_only":true}""");

        await PutAsync("ignore_value with a value", "k", ""","value":"MQ==","ignore_value":true""");
        await PutAsync("ignore_lease with a lease", "k", ""","lease":5,"ignore_lease":true""");
        await PutAsync("ignore_value on a missing key", "missing", ""","ignore_value":true""");
        await PutAsync("ignore_lease on a missing key", "missing", ""","value":"MQ==","ignore_lease":true""");
        await PutAsync("unknown lease", "k", ""","value":"MQ==","lease":424242""");
        await g.PostAsync("no key", "/v3/kv/put", """{"value":"MQ=="}""");
        await GetAsync("refused puts changed nothing", "k");

        foreach (string key in (string[])["d/1", "d/2", "d/3", "e/1"])
            await PutAsync($"put {key}", key, $$""","value":"{{Gateway.Base64(key)}}" """);
        await g.PostAsync("delete one", "/v3/kv/deleterange", Put("d/2", ""));
        await g.PostAsync("delete it again", "/v3/kv/deleterange", Put("d/2", ""","prev_kv":true"""));
        await g.PostAsync("delete a prefix with prev_kv", "/v3/kv/deleterange", $$"""{"key":"{{t.Key("d/")}}","range_end":"{{t.End("d/")}}","prev_kv":true}""");
        await g.PostAsync("delete a reversed range", "/v3/kv/deleterange", $$"""{"key":"{{t.Key("z")}}","range_end":"{{t.Key("a")}}"}""");
        await g.PostAsync("delete without key", "/v3/kv/deleterange", "{}");
        await PutAsync("create again", "d/1", ""","value":"MQ==" """);
        await GetAsync("version starts at 1 again", "d/1");
        await g.PostAsync("bytes that are no text", "/v3/kv/put", $$"""{"key":"{{Convert.ToBase64String([.. System.Text.Encoding.ASCII.GetBytes(t.Prefix), 0xff, 0x00, 0xfe])}}","value":"AP8="}""");
        await g.PostAsync("they come back", "/v3/kv/range", $$"""{"key":"{{Convert.ToBase64String([.. System.Text.Encoding.ASCII.GetBytes(t.Prefix), 0xff])}}","range_end":"{{t.End("")}}"}""");
    }
}
