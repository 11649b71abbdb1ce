using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>etcdctl get, put, del, txn and compaction with their flags.</summary>
internal static class EtcdctlKeyScript
{
    public static async Task RunAsync(Target t)
    {
        var ctl = new Etcdctl(t);
        string p = t.Prefix, first = $"{t.FirstRevision}";
        Task RunAsync(string name, params string[] arguments) => ctl.RunAsync(name, arguments);

        await RunAsync("put", "put", p + "a", "1");
        await RunAsync("put --prev-kv", "put", p + "a", "2", "--prev-kv");
        await RunAsync("put --ignore-value", "put", p + "a", "--ignore-value");
        await RunAsync("put b", "put", p + "b", "3", "-w", "json");
        await RunAsync("put c", "put", p + "c", "0");
        await RunAsync("get", "get", p + "a");
        await RunAsync("get -w json", "get", p + "a", "-w", "json");
        await RunAsync("get missing", "get", p + "missing", "-w", "json");
        await RunAsync("get --print-value-only", "get", p + "a", "--print-value-only");
        await RunAsync("get --hex", "get", p + "a", "--hex");
        await RunAsync("get --prefix", "get", p, "--prefix");
        await RunAsync("get --prefix --keys-only", "get", p, "--prefix", "--keys-only");
        await RunAsync("get --prefix --limit", "get", p, "--prefix", "--limit=2", "-w", "json");
        await RunAsync("get --order --sort-by", "get", p, "--prefix", "--order=DESCEND", "--sort-by=VALUE");
        await RunAsync("get --sort-by CREATE", "get", p, "--prefix", "--sort-by=CREATE");
        await RunAsync("get a range", "get", p + "a", p + "c");
        await RunAsync("get --from-key", "get", p + "b", "--from-key", "--limit=1");
        await RunAsync("get --rev", "get", p + "a", $"--rev={t.FirstRevision + 1}");
        await RunAsync("get --rev in the future", "get", p + "a", $"--rev={t.FirstRevision + 100_000}");
        await RunAsync("get --consistency=s", "get", p + "a", "--consistency=s");
        await ctl.RunAsync("txn succeeds", $"value(\"{p}a\") = \"2\"\nver(\"{p}b\") > \"0\"\n\nput {p}d 5\nget {p} --prefix\n\nget {p}a\n\n", ["txn"]);
        await ctl.RunAsync("txn fails", $"mod(\"{p}a\") = \"1\"\n\nput {p}d 6\n\nget {p}d\ndel {p}d\n\n", ["txn"]);
        await ctl.RunAsync("txn -w json", $"c(\"{p}d\") = \"0\"\n\nput {p}d 7\n\n\n", ["txn", "-w", "json"]);
        await RunAsync("del", "del", p + "d");
        await RunAsync("del nothing", "del", p + "d");
        await RunAsync("del --prev-kv", "del", p + "c", "--prev-kv");
        await RunAsync("put with an unknown lease", "put", p + "a", "1", "--lease=fff1");
        await RunAsync("put an empty key", "put", "", "1");
        await RunAsync("compact", "compaction", $"{t.FirstRevision + 3}");
        await RunAsync("compact again", "compaction", $"{t.FirstRevision + 3}");
        await RunAsync("compact --physical", "compaction", $"{t.FirstRevision + 4}", "--physical");
        await RunAsync("get a compacted revision", "get", p + "a", $"--rev={first}");
        await RunAsync("del --prefix", "del", p, "--prefix");
        await RunAsync("all is gone", "get", p, "--prefix", "-w", "json");
    }
}
