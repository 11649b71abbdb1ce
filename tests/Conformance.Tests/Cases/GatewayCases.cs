using System.Text.Json.Nodes;
using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;
using static Conclave.Conformance.Tests.Suite.Requests;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>What only JSON has: how requests may be written, what is refused, paths, methods and headers. One HTTP/1.1 client throughout, so each answer leaves the connection usable.</summary>
internal sealed class GatewayCases : CaseGroup
{
    public override string Name => "gateway";

    private static string Key(Run c, string name) => Convert.ToBase64String(c.Key(name).ToByteArray());

    private static Task<Answer> RangeAsync(Run c, string body, string step = "range") => c.SendAsync(step, "/v3/kv/range", body, RangeResponse.Descriptor);

    private static Task<Answer> PutAsync(Run c, string body, string step = "put") => c.SendAsync(step, "/v3/kv/put", body, PutResponse.Descriptor);

    private void JsonCase(string name, Func<Run, Task> steps) => Case(name, steps, Over.Json);

    protected override void Define()
    {
        Bodies();
        Numbers();
        Bytes();
        EnumsAndFlags();
        Names();
        Paths();
        Headers();
        Streams();
    }

    private void Bodies()
    {
        foreach (string empty in (string[])["", "null", "{}", " ", "\n{ }\n"])
            JsonCase($"the empty message as '{empty.Replace("\n", "\\n", StringComparison.Ordinal)}'", c => RangeAsync(c, empty));
        foreach (string bad in (string[])["{", "}", "[]", "\"text\"", "17", "true", "{\"key\"}", "{\"key\":}", "{key:\"YQ==\"}", "{'key':'YQ=='}", "not json", "{\"key\":\"YQ==\"", "{\"key\":\"YQ==\",}"])
            JsonCase($"malformed: {bad}", c => PutAsync(c, bad));
        JsonCase("a field twice: the last counts", async c =>
        {
            await PutAsync(c, $$"""{"key":"{{Key(c, "k")}}","value":"MQ==","value":"Mg=="}""");
            await RangeAsync(c, $$"""{"key":"{{Key(c, "k")}}"}""");
        });
        JsonCase("null fields are unset", async c =>
        {
            await PutAsync(c, $$"""{"key":"{{Key(c, "k")}}","value":null,"lease":null,"prev_kv":null}""");
            await RangeAsync(c, $$"""{"key":"{{Key(c, "k")}}","sort_order":null,"range_end":null}""");
        });
        JsonCase("blanks anywhere", c => PutAsync(c, $$"""  { "key" : "{{Key(c, "k")}}" , "value" : "MQ==" }  """));
        JsonCase("escapes in names and text", c => PutAsync(c, $$"""{"\u006bey":"{{Key(c, "k")}}","value":"M\u0051=="}"""));
        JsonCase("deep nesting of transactions", c => c.SendAsync("txn", "/v3/kv/txn",
            $$$"""{"success":[{"request_txn":{"success":[{"request_txn":{"success":[{"request_put":{"key":"{{{Key(c, "k")}}}"}}]}}]}}]}""", TxnResponse.Descriptor));
        JsonCase("too large", async c =>
        {
            await PutAsync(c, $$"""{"key":"{{Key(c, "k")}}","value":"{{Convert.ToBase64String(new byte[1_600_000])}}"}""");
            await RangeAsync(c, $$"""{"key":"{{Key(c, "k")}}"}""");
        });
    }

    private void Numbers()
    {
        foreach (string number in (string[])["3", "\"3\"", "0", "\"0\"", "-1", "\"-1\"", "9223372036854775807", "\"9223372036854775807\"", "2305843009213693951"])
        {
            JsonCase($"lease as {number}", c => PutAsync(c, $$"""{"key":"{{Key(c, "k")}}","lease":{{number}}}"""));
        }
        foreach (string bad in (string[])["\"abc\"", "\"\"", "1.5", "\"1.5\"", "{}", "[]", "true", "99999999999999999999", "\"99999999999999999999\"", "\" 1\"", "\"0x1\"", "1e2", "\"1e2\"", "1.0", "01"])
        {
            JsonCase($"lease as {bad}, which is none", c => PutAsync(c, $$"""{"key":"{{Key(c, "k")}}","lease":{{bad}}}"""));
        }
        JsonCase("an id above 2^53 as a bare number is exact", async c =>
        {
            await c.SendAsync("grant", "/v3/lease/grant", """{"ID":2305843009213693953,"TTL":600}""", LeaseGrantResponse.Descriptor);
            await c.SendAsync("revoke its neighbour", "/v3/lease/revoke", """{"ID":2305843009213693952}""", LeaseRevokeResponse.Descriptor);
            await c.SendAsync("revoke", "/v3/lease/revoke", """{"ID":"2305843009213693953"}""", LeaseRevokeResponse.Descriptor);
        });
        JsonCase("an unsigned id", async c =>
        {
            await c.SendAsync("above the signed range", "/v3/cluster/member/remove", """{"ID":18446744073709551615}""", MemberRemoveResponse.Descriptor);
            await c.SendAsync("as text", "/v3/cluster/member/remove", """{"ID":"18446744073709551615"}""", MemberRemoveResponse.Descriptor);
            await c.SendAsync("below zero", "/v3/cluster/member/remove", """{"ID":-1}""", MemberRemoveResponse.Descriptor);
            await c.SendAsync("too large", "/v3/cluster/member/remove", """{"ID":18446744073709551616}""", MemberRemoveResponse.Descriptor);
        });
    }

    private void Bytes()
    {
        JsonCase("standard base64", async c =>
        {
            await PutAsync(c, $$"""{"key":"{{Key(c, "k")}}","value":"+/+/"}""");
            await RangeAsync(c, $$"""{"key":"{{Key(c, "k")}}"}""");
        });
        foreach (string bad in (string[])["%%%", "YQ=", "=", "====", "YQ==YQ==", "Y Q==", "YQ\\n==", "ü"])
            JsonCase($"value as '{bad}', which is no base64", c => PutAsync(c, $$"""{"key":"{{Key(c, "k")}}","value":"{{bad}}"}"""));
        foreach (string value in (string[])["", "AA==", "YQ==", "YWI=", "YWJj", "/w=="])
        {
            JsonCase($"value as '{value}'", async c =>
            {
                await PutAsync(c, $$"""{"key":"{{Key(c, "k")}}","value":"{{value}}"}""");
                await RangeAsync(c, $$"""{"key":"{{Key(c, "k")}}"}""");
            });
        }
        foreach (string value in (string[])["-_-_", "YQ", "YWI"])
        {
            JsonCase($"value as '{value}', URL-safe or without padding", async c =>
            {
                await PutAsync(c, $$"""{"key":"{{Key(c, "k")}}","value":"{{value}}"}""");
            });
        }
        foreach (string bad in (string[])["1", "true", "{}", "[]", "[1,2]"])
            JsonCase($"value as {bad}, which is no text", c => PutAsync(c, $$"""{"key":"{{Key(c, "k")}}","value":{{bad}}}"""));
    }

    private void EnumsAndFlags()
    {
        foreach (string order in (string[])["\"DESCEND\"", "2", "\"ASCEND\"", "1", "\"NONE\"", "0"])
        {
            JsonCase($"sort order {order}", async c =>
            {
                await c.PrepareAsync(Put(c.Key("a")), Put(c.Key("b")));
                await RangeAsync(c, $$"""{"key":"{{Key(c, "a")}}","range_end":"{{Key(c, "z")}}","sort_order":{{order}},"sort_target":"KEY"}""");
            });
        }
        foreach (string bad in (string[])["\"descend\"", "\"2\"", "\"UPWARD\"", "\"\"", "true", "1.5", "{}", "[\"DESCEND\"]"])
            JsonCase($"sort order {bad}, which is none", c => RangeAsync(c, $$"""{"key":"{{Key(c, "a")}}","sort_order":{{bad}}}"""));
        foreach (string target in (string[])["\"VERSION\"", "\"CREATE\"", "\"MOD\"", "\"VALUE\"", "\"LEASE\"", "0", "4"])
        {
            JsonCase($"compare target {target}", c => c.SendAsync("txn", "/v3/kv/txn", $$$"""{"compare":[{"key":"{{{Key(c, "k")}}}","target":{{{target}}},"result":"EQUAL"}]}""", TxnResponse.Descriptor));
        }
        foreach (string bad in (string[])["\"true\"", "\"yes\"", "1", "0", "\"\"", "{}"])
            JsonCase($"flag {bad}, which is none", c => RangeAsync(c, $$"""{"key":"{{Key(c, "a")}}","count_only":{{bad}}}"""));
        JsonCase("a list that is none", c => c.SendAsync("txn", "/v3/kv/txn", """{"compare":{"key":"YQ=="}}""", TxnResponse.Descriptor));
        JsonCase("a message that is none", c => c.SendAsync("txn", "/v3/kv/txn", """{"success":[{"request_put":"YQ=="}]}""", TxnResponse.Descriptor));
        JsonCase("an alarm and its kind by number", c => c.SendAsync("alarm", "/v3/maintenance/alarm", """{"action":0,"alarm":1}""", AlarmResponse.Descriptor));
    }

    private void Names()
    {
        JsonCase("unknown fields are passed over", async c =>
        {
            await PutAsync(c, $$$"""{"key":"{{{Key(c, "k")}}}","value":"MQ==","colour":"red","deep":{"er":[1,{"x":null}]}}""");
            await RangeAsync(c, $$"""{"key":"{{Key(c, "k")}}"}""");
        });
        JsonCase("names in camel case", async c =>
        {
            await c.PrepareAsync(Put(c.Key("a")), Put(c.Key("b")));
            await RangeAsync(c, $$"""{"key":"{{Key(c, "a")}}","rangeEnd":"{{Key(c, "z")}}","sortOrder":"DESCEND","keysOnly":true}""");
            await PutAsync(c, $$"""{"key":"{{Key(c, "a")}}","prevKv":true}""");
        });
        JsonCase("names in another case are unknown", async c =>
        {
            await c.PrepareAsync(Put(c.Key("a")), Put(c.Key("b")));
            await RangeAsync(c, $$"""{"key":"{{Key(c, "a")}}","Range_End":"{{Key(c, "z")}}"}""");
            await RangeAsync(c, $$"""{"KEY":"{{Key(c, "a")}}"}""");
        });
        JsonCase("names of the lease service in capitals", async c =>
        {
            await c.SendAsync("in lower case", "/v3/lease/grant", $$"""{"id":{{c.LeaseId(1)}},"ttl":700}""", LeaseGrantResponse.Descriptor);
            await c.SendAsync("as they are", "/v3/lease/grant", $$"""{"ID":{{c.LeaseId(2)}},"TTL":700}""", LeaseGrantResponse.Descriptor);
        });
    }

    private void Paths()
    {
        foreach (string path in (string[])["/v3/kv/range", "/v3beta/kv/range", "/v3alpha/kv/range"])
            JsonCase($"path {path}", async c =>
            {
                await c.PrepareAsync(Put(c.Key("k"), "1"));
                await c.SendAsync("range", path, $$"""{"key":"{{Key(c, "k")}}"}""", RangeResponse.Descriptor);
            });
        foreach (string path in (string[])["/v3/kv/nothing", "/v3/kv", "/v3", "/v3/", "/v3/kv/range/", "/v3//kv/range", "/V3/kv/range", "/v3/kv/Range", "/v4/kv/range", "/elsewhere", "/v3lock/lock", "/etcdserverpb.KV/Range"])
            JsonCase($"path {path}, which is none", c => c.SendAsync("post", path, "{}"));
        JsonCase("a query behind the path", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"));
            await c.SendAsync("range", "/v3/kv/range?key=YQ==&limit=1", $$"""{"key":"{{Key(c, "k")}}"}""", RangeResponse.Descriptor);
        });
        foreach (string method in (string[])["GET", "PUT", "DELETE", "PATCH", "HEAD"])
            JsonCase($"method {method}", c => c.SendAsync(method, "/v3/kv/range", method == "GET" || method == "HEAD" ? null : "{}", method: new HttpMethod(method)));
        JsonCase("method OPTIONS", c => c.SendAsync("OPTIONS", "/v3/kv/range", null, method: HttpMethod.Options));
    }

    private void Headers()
    {
        foreach (string? type in (string?[])["text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense", null])
        {
            JsonCase($"content type {type ?? "missing"}", async c =>
            {
                await c.PrepareAsync(Put(c.Key("k"), "1"));
                await c.SendAsync("range", "/v3/kv/range", $$"""{"key":"{{Key(c, "k")}}"}""", RangeResponse.Descriptor, contentType: type);
            });
        }
        JsonCase("hasleader", async c =>
        {
            c.Metadata["hasleader"] = "true";
            await RangeAsync(c, $$"""{"key":"{{Key(c, "k")}}"}""");
        });
        JsonCase("headers of an answer", async c =>
        {
            foreach ((string step, string body) in ((string, string)[])[("good", $$"""{"key":"{{Key(c, "k")}}"}"""), ("refused", "{}"), ("malformed", "{")])
            {
                using var http = new HttpClient();
                using HttpResponseMessage answer = await http.PostAsync(new Uri(c.Target.Cluster.Members[0].ClientUrl, "/v3/kv/range"), new StringContent(body), c.Cancellation);
                var seen = new JsonObject();
                foreach (string name in (string[])["Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Content-Type"])
                    seen[name] = (answer.Headers.TryGetValues(name, out IEnumerable<string>? values) || answer.Content.Headers.TryGetValues(name, out values)) ? string.Join(',', values) : null;
                c.Note(step, seen);
            }
        });
        JsonCase("no newline at the end of an answer", async c =>
        {
            using var http = new HttpClient();
            using HttpResponseMessage answer = await http.PostAsync(new Uri(c.Target.Cluster.Members[0].ClientUrl, "/v3/kv/range"), new StringContent($$"""{"key":"{{Key(c, "k")}}"}"""), c.Cancellation);
            string text = await answer.Content.ReadAsStringAsync(c.Cancellation);
            c.Note("begins and ends", $"{text[0]}{text[^1]}");
        });
        JsonCase("a deadline", async c =>
        {
            using var http = new HttpClient();
            foreach (string timeout in (string[])["5S", "1H"])
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(c.Target.Cluster.Members[0].ClientUrl, "/v3/kv/range")) { Content = new StringContent($$"""{"key":"{{Key(c, "k")}}"}""") };
                request.Headers.Add("Grpc-Timeout", timeout);
                using HttpResponseMessage answer = await http.SendAsync(request, c.Cancellation);
                c.Note(timeout, (int)answer.StatusCode);
            }
        });
        foreach (string bad in (string[])["5", "S", "5X", "-1S", "five"])
        {
            JsonCase($"the deadline '{bad}', which is none", async c =>
            {
                using var http = new HttpClient();
                using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(c.Target.Cluster.Members[0].ClientUrl, "/v3/kv/range")) { Content = new StringContent($$"""{"key":"{{Key(c, "k")}}"}""") };
                request.Headers.TryAddWithoutValidation("Grpc-Timeout", bad);
                using HttpResponseMessage answer = await http.SendAsync(request, c.Cancellation);
                c.Note(bad, (int)answer.StatusCode);
            });
        }
    }

    private void Streams()
    {
        Rpc watch = Rpc.Named("Watch"), keepAlive = Rpc.Named("LeaseKeepAlive");
        foreach (string bad in (string[])["{", "[]", "not json", "{\"create_request\":17}", "{\"create_request\":{\"key\":\"%%\"}}"])
            JsonCase($"watch: malformed {bad}", async c => await c.OpenRaw(watch, "/v3/watch", bad).TakeAsync(1));
        JsonCase("watch: objects with and without blanks between them", async c =>
        {
            Run.Conversation stream = c.OpenRaw(watch, "/v3/watch", $$$"""{"create_request":{"key":"{{{Key(c, "a")}}}"}}{"create_request":{"key":"{{{Key(c, "b")}}}"}}  {"create_request":{"key":"{{{Key(c, "c")}}}"}}""" + "\n");
            await stream.TakeAsync(3);
            await c.PrepareAsync(Put(c.Key("c")));
            await stream.TakeAsync(1);
        });
        JsonCase("watch: filters by name and by number", async c =>
        {
            Run.Conversation stream = c.OpenRaw(watch, "/v3/watch", $$$"""{"create_request":{"key":"{{{Key(c, "a")}}}","filters":["NOPUT",1]}}{"create_request":{"key":"{{{Key(c, "b")}}}"}}""");
            await stream.TakeAsync(2);
            await c.PrepareAsync(Put(c.Key("a")), Delete(c.Key("a")), Put(c.Key("b")));
            await stream.TakeAsync(1);
        });
        JsonCase("watch: malformed after a good one", async c =>
        {
            Run.Conversation stream = c.OpenRaw(watch, "/v3/watch", $$$"""{"create_request":{"key":"{{{Key(c, "a")}}}"}}{"create_request":""");
            await stream.TakeAsync(1);
        });
        JsonCase("keepalive: nothing", async c => await c.OpenRaw(keepAlive, "/v3/lease/keepalive", "").TakeAsync(1));
        JsonCase("keepalive: the empty object", async c => await c.OpenRaw(keepAlive, "/v3/lease/keepalive", "{}").TakeAsync(2));
        JsonCase("keepalive: bare and quoted ids, then the end", async c =>
        {
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 });
            await c.OpenRaw(keepAlive, "/v3/lease/keepalive", $$"""{"ID":{{c.LeaseId(1)}}}{"ID":"{{c.LeaseId(1)}}"}{"ID":7}""").TakeAsync(4);
        });
        JsonCase("keepalive: malformed", async c => await c.OpenRaw(keepAlive, "/v3/lease/keepalive", "{\"ID\":\"x\"}").TakeAsync(1));
        JsonCase("snapshot: an answer is lines", async c =>
        {
            using var http = new HttpClient();
            using HttpResponseMessage answer = await http.PostAsync(new Uri(c.Target.Cluster.Members[0].ClientUrl, "/v3/maintenance/snapshot"), new StringContent("{}"), c.Cancellation);
            string[] lines = (await answer.Content.ReadAsStringAsync(c.Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            c.Note("each is a result", lines.Length > 1 && lines.All(line => line.StartsWith("{\"result\":{", StringComparison.Ordinal)));
        });
    }
}
