using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>KV.Txn: every compare, every operation, nesting, and what it costs in revisions.</summary>
internal static class TransactionScript
{
    public static async Task RunAsync(Target t)
    {
        Gateway g = t.Gateway;
        string K(string key) => t.Key(key);
        string Put(string key, string value) => $$$"""{"request_put":{"key":"{{{K(key)}}}","value":"{{{Gateway.Base64(value)}}}"}}""";
        string Get(string key) => $$$"""{"request_range":{"key":"{{{K(key)}}}"}}""";
        string Delete(string key) => $$$"""{"request_delete_range":{"key":"{{{K(key)}}}"}}""";
        Task TxnAsync(string name, string compare, string success, string failure) =>
            g.PostAsync(name, "/v3/kv/txn", $$"""{"compare":[{{compare}}],"success":[{{success}}],"failure":[{{failure}}]}""");
        string Compare(string key, string target, string result, string member) =>
            $$"""{"key":"{{K(key)}}","target":"{{target}}","result":"{{result}}"{{member}}}""";

        await g.PostAsync("put x", "/v3/kv/put", $$"""{"key":"{{K("x")}}","value":"{{Gateway.Base64("m")}}"}""");
        await g.PostAsync("put x again", "/v3/kv/put", $$"""{"key":"{{K("x")}}","value":"{{Gateway.Base64("n")}}"}""");
        long first = t.FirstRevision;

        // Every target with every result, on a key that is there and on one that is not; only reads, so no revision is taken.
        (string Target, string Member)[] targets =
        [
            ("VERSION", ""","version":2"""), ("CREATE", $$""","create_revision":{{first + 1}}"""), ("MOD", $$""","mod_revision":"{{first + 2}}" """),
            ("VALUE", $$""","value":"{{Gateway.Base64("n")}}" """), ("LEASE", ""","lease":0"""),
        ];
        foreach ((string target, string member) in targets)
        {
            foreach (string result in (string[])["EQUAL", "GREATER", "LESS", "NOT_EQUAL"])
            {
                await TxnAsync($"{target} {result}", Compare("x", target, result, member), "", "");
                await TxnAsync($"{target} {result} on a missing key", Compare("missing", target, result, member), "", "");
                await TxnAsync($"{target} {result} without a right side", Compare("x", target, result, ""), "", "");
            }
        }
        await TxnAsync("the right side of another target", Compare("x", "VERSION", "EQUAL", $$""","value":"{{Gateway.Base64("n")}}" """), "", "");
        await TxnAsync("defaults are EQUAL and VERSION", $$"""{"key":"{{K("x")}}","version":"2"}""", Get("x"), "");
        await TxnAsync("all compares must hold", $"{Compare("x", "VERSION", "EQUAL", ""","version":2""")},{Compare("x", "VERSION", "GREATER", ""","version":2""")}", "", Get("x"));
        await TxnAsync("no compare is success", "", Get("x"), "");
        await g.PostAsync("empty txn", "/v3/kv/txn", "{}");
        await g.PostAsync("reads took no revision", "/v3/kv/range", $$"""{"key":"{{K("x")}}"}""");

        await TxnAsync("several writes are one revision", "", $"{Put("p", "1")},{Get("p")},{Put("q", "2")},{Delete("x")}", "");
        await g.PostAsync("after it", "/v3/kv/range", $$"""{"key":"{{K("")}}","range_end":"{{t.End("")}}"}""");
        await TxnAsync("a read before the first write shows the old revision", "", $"{Get("p")},{Put("p", "2")},{Get("p")}", "");
        await TxnAsync("a delete of nothing takes no revision", "", Delete("missing"), "");
        await TxnAsync("delete then put of one key", "", $"{Delete("p")},{Put("r", "1")}", "");
        await TxnAsync("a put in the branch not taken takes no revision", Compare("q", "VERSION", "EQUAL", ""), Put("q", "x"), Get("q"));
        await TxnAsync("put with every answer", "", $$$"""{"request_put":{"key":"{{{K("q")}}}","value":"MQ==","prev_kv":true}},{"request_delete_range":{"key":"{{{K("r")}}}","prev_kv":true}},{"request_range":{"key":"{{{K("")}}}","range_end":"{{{t.End("")}}}","count_only":true}}""", "");
        await TxnAsync("range compare holds for every key", $$"""{"key":"{{K("")}}","range_end":"{{t.End("")}}","target":"VERSION","result":"GREATER","version":0}""", "", "");
        await TxnAsync("range compare fails for one key", $$"""{"key":"{{K("")}}","range_end":"{{t.End("")}}","target":"VERSION","result":"GREATER","version":1}""", "", "");
        await TxnAsync("range compare on an empty range", $$"""{"key":"{{K("no")}}","range_end":"{{t.End("no")}}","target":"CREATE","result":"EQUAL","create_revision":0}""", "", "");
        await TxnAsync("old revision in a txn", "", $$$"""{"request_range":{"key":"{{{K("x")}}}","revision":{{{first + 1}}}}}""", "");

        // The decisions of all branches are taken before anything is done.
        string inner = $$$"""{"request_txn":{"compare":[{{{Compare("n", "CREATE", "EQUAL", ""","create_revision":0""")}}}],"success":[{{{Put("inner", "first")}}}],"failure":[{{{Put("inner", "second")}}}]}}""";
        await TxnAsync("nested, decided beforehand", "", $"{Put("n", "1")},{inner},{Get("inner")}", "");
        await TxnAsync("nested, decided the other way", "", $"{inner},{Get("inner")}", "");
        await TxnAsync("nested three deep", "", $$$"""{"request_txn":{"success":[{"request_txn":{"success":[{{{Get("n")}}}]}}]}}""", "");

        await TxnAsync("duplicate put", "", $"{Put("dup", "1")},{Put("dup", "2")}", "");
        await TxnAsync("duplicate put in the branch not taken", "", Get("x"), $"{Put("dup", "1")},{Put("dup", "2")}");
        await TxnAsync("put and delete of one key", "", $"{Put("dup", "1")},{Delete("dup")}", "");
        await TxnAsync("put inside a deleted range", "", $$$"""{"request_delete_range":{"key":"{{{K("a")}}}","range_end":"{{{K("z")}}}"}},{{{Put("dup", "1")}}}""", "");
        await TxnAsync("duplicate put across nesting", "", $$$"""{{{Put("dup", "1")}}},{"request_txn":{"success":[{{{Put("dup", "2")}}}]}}""", "");
        await TxnAsync("one key in both branches of a nested txn", "", $$$"""{"request_txn":{"success":[{{{Put("both", "1")}}}],"failure":[{{{Put("both", "2")}}}]}}""", "");
        await TxnAsync("overlapping deletes", "", $"{Delete("both")},{Delete("both")}", "");
        await TxnAsync("an operation without content", "", "{}", "");
        await TxnAsync("empty key in an operation", "", """{"request_put":{"value":"MQ=="}}""", "");
        await TxnAsync("empty key in the branch not taken", "", Get("x"), """{"request_range":{}}""");
        await TxnAsync("empty key in a compare", """{"target":"VERSION","result":"EQUAL"}""", "", "");
        await TxnAsync("unknown lease undoes all", "", $$$"""{{{Put("undone", "1")}}},{"request_put":{"key":"{{{K("q")}}}","lease":987654}}""", "");
        await TxnAsync("ignore_value on a missing key undoes all", "", $$$"""{{{Put("undone", "1")}}},{"request_put":{"key":"{{{K("missing")}}}","ignore_value":true}}""", "");
        await TxnAsync("future revision undoes all", "", $$$"""{{{Put("undone", "1")}}},{"request_range":{"key":"{{{K("q")}}}","revision":{{{first + 100_000}}}}}""", "");
        string many = string.Join(',', Enumerable.Range(0, 129).Select(i => Put($"many/{i}", "1")));
        await TxnAsync("129 operations", "", many, "");
        await TxnAsync("128 operations", "", many[..many.LastIndexOf(",{\"request_put", StringComparison.Ordinal)], "");
        await TxnAsync("129 compares", string.Join(',', Enumerable.Range(0, 129).Select(_ => Compare("q", "VERSION", "GREATER", ""))), "", "");
        await TxnAsync("delete the many", "", $$$"""{"request_delete_range":{"key":"{{{K("many/")}}}","range_end":"{{{t.End("many/")}}}"}}""", "");
        await g.PostAsync("all that is left", "/v3/kv/range", $$"""{"key":"{{K("")}}","range_end":"{{t.End("")}}"}""");
    }
}
