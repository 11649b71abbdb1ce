using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>Watch: history, live events, options, several watchers on a stream, refusals.</summary>
internal static class WatchScript
{
    public static async Task RunAsync(Target t)
    {
        Gateway g = t.Gateway;
        long first = t.FirstRevision;
        int write = 0;
        string Range(string name) => $$""" "key":"{{t.Key(name)}}","range_end":"{{t.End(name)}}" """;
        Task WatchAsync(string name, string body, int messages, params Func<Task>[] steps) => g.StreamAsync(name, "/v3/watch", body, messages, steps);
        string Create(string fields) => $$$"""{"create_request":{{{{fields}}}}}""";
        Func<Task> Put(string key, string value) => () => g.PostAsync($"write {++write}: put {key}", "/v3/kv/put", $$"""{"key":"{{t.Key(key)}}","value":"{{Gateway.Base64(value)}}"}""");
        Func<Task> Delete(string key) => () => g.PostAsync($"write {++write}: delete {key}", "/v3/kv/deleterange", $$"""{"key":"{{t.Key(key)}}"}""");

        await Put("h/1", "a")();
        await Put("h/2", "b")();
        await Put("h/1", "c")();
        await Delete("h/2")();
        await g.PostAsync("txn", "/v3/kv/txn", $$$"""{"success":[{"request_put":{"key":"{{{t.Key("h/3")}}}","value":"MQ=="}},{"request_put":{"key":"{{{t.Key("h/0")}}}","value":"Mg=="}},{"request_delete_range":{"key":"{{{t.Key("h/1")}}}"}}]}""");
        await WatchAsync("history", Create($"""{Range("h/")},"start_revision":{first + 1}"""), 2);
        await WatchAsync("history with prev_kv", Create($"""{Range("h/")},"start_revision":{first + 1},"prev_kv":true"""), 2);
        await WatchAsync("history from the middle", Create($"""{Range("h/")},"start_revision":"{first + 4}" """), 2);
        await WatchAsync("history of one key", Create($""" "key":"{t.Key("h/1")}","start_revision":{first + 1}"""), 2);
        await WatchAsync("history without puts", Create($"""{Range("h/")},"start_revision":{first + 1},"filters":["NOPUT"]"""), 2);
        await WatchAsync("history without deletes", Create($"""{Range("h/")},"start_revision":{first + 1},"filters":[1]"""), 2);
        await WatchAsync("history then live", Create($"""{Range("h/")},"start_revision":{first + 5},"prev_kv":true"""), 4, () => Task.CompletedTask, Put("h/live", "1"), Delete("h/live"));

        await WatchAsync("live", Create(Range("l/")), 4, Put("l/1", "x"), Put("l/1", "y"), Delete("l/1"));
        await WatchAsync("live with prev_kv", Create($"""{Range("p/")},"prev_kv":true"""), 4, Put("p/1", "x"), Put("p/1", "y"), Delete("p/1"));
        await WatchAsync("live without puts", Create($"""{Range("f/")},"filters":["NOPUT"]"""), 2, async () =>
        {
            await Put("f/1", "x")();
            await Delete("f/1")();
        });
        await WatchAsync("live, a txn is one message", Create(Range("t/")), 2, () => g.PostAsync("live txn", "/v3/kv/txn",
            $$$"""{"success":[{"request_put":{"key":"{{{t.Key("t/2")}}}"}},{"request_put":{"key":"{{{t.Key("t/1")}}}"}},{"request_put":{"key":"{{{t.Key("elsewhere")}}}"}}]}"""));
        await WatchAsync("live, a range delete is one message", Create($"""{Range("t/")},"prev_kv":true"""), 2, () => g.PostAsync("live range delete", "/v3/kv/deleterange", $"{{{Range("t/")}}}"));
        await WatchAsync("a future start skips what comes before", Create($"""{Range("u/")},"start_revision":{first + 20}"""), 2, async () =>
        {
            while (write < 17)
                await Put("u/1", "early")();
        });
        await ManyOnOneStreamAsync(t);
        await WatchAsync("progress on request", Create(Range("quiet/")) + """{"progress_request":{}}""", 2);

        await WatchAsync("reversed range", Create($""" "key":"{t.Key("z")}","range_end":"{t.Key("a")}" """), 1);
        await WatchAsync("empty range", Create($""" "key":"{t.Key("z")}","range_end":"{t.Key("z")}" """), 1);
        await WatchAsync("chosen watch id", Create($""" "key":"{t.Key("id")}","watch_id":7"""), 2, Put("id", "1"));
        await WatchAsync("duplicate watch id", Create($""" "key":"{t.Key("id")}","watch_id":7""") + Create($""" "key":"{t.Key("id")}","watch_id":7"""), 2);
    }

    private static async Task ManyOnOneStreamAsync(Target t)
    {
        string Create(string key, string more = "") => $$$"""{"create_request":{"key":"{{{t.Key(key)}}}"{{{more}}}}}""";
        await t.Gateway.StreamAsync("three watchers, the second is cancelled", "/v3/watch",
            Create("m/0") + Create("m/1") + Create("m/2") + """{"cancel_request":{"watch_id":1}}{"cancel_request":{"watch_id":55}}""", 6,
            () => Task.CompletedTask, () => Task.CompletedTask, () => Task.CompletedTask,
            async () =>
            {
                foreach (string key in (string[])["m/1", "m/2"])
                    await t.Gateway.PostAsync($"many: put {key}", "/v3/kv/put", $$"""{"key":"{{t.Key(key)}}","value":"MQ=="}""");
            },
            () => t.Gateway.PostAsync("many: put m/0", "/v3/kv/put", $$"""{"key":"{{t.Key("m/0")}}","value":"MQ=="}"""));
    }
}
