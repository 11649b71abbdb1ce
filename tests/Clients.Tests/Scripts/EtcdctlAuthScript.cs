using System.Text.Json.Nodes;
using Conclave.Clients.Tests.Support;
using Conclave.Compatibility.Tests.Support;

namespace Conclave.Clients.Tests.Scripts;

/// <summary>etcdctl user, role, auth and --user: first as anybody, then with authentication on, and off again at the end.</summary>
internal static class EtcdctlAuthScript
{
    private const string Root = "--user=root:secret", Alice = "--user=alice:wonder", Bob = "--user=bob:builder";

    public static async Task RunAsync(Target t)
    {
        var ctl = new Etcdctl(t);
        await UsersAndRolesAsync(t, ctl);
        await EnableAsync(t, ctl);
        await KeysAsync(t, ctl);
        await LeasesAndRecipesAsync(t, ctl);
        await AdministrationAsync(t, ctl);
        await ChangesAsync(t, ctl);
        await DisableAsync(t, ctl);
    }

    private static async Task UsersAndRolesAsync(Target t, Etcdctl ctl)
    {
        string p = t.Prefix;
        Task RunAsync(string name, params string[] arguments) => ctl.RunAsync(name, arguments);

        await RunAsync("auth enable without a root user", "auth", "enable");
        await RunAsync("login while authentication is off", "get", p, Alice);
        await RunAsync("user add", "user", "add", "alice:wonder");
        await RunAsync("user add again", "user", "add", "alice:other");
        await ctl.RunAsync("user add with the password on standard input", "builder\n", ["user", "add", "bob", "--interactive=false"]);
        await RunAsync("user add --no-password", "user", "add", "machine", "--no-password");
        await RunAsync("user list", "user", "list");
        await RunAsync("role add", "role", "add", "reader");
        await RunAsync("role add again", "role", "add", "reader");
        await RunAsync("role add writer", "role", "add", "writer");
        await RunAsync("role list", "role", "list");
        await RunAsync("role grant-permission --prefix", "role", "grant-permission", "reader", "read", p + "shared/", "--prefix");
        await RunAsync("role grant-permission of one key", "role", "grant-permission", "reader", "readwrite", p + "one");
        await RunAsync("role grant-permission of a range", "role", "grant-permission", "writer", "readwrite", p + "a", p + "m");
        await RunAsync("role grant-permission --from-key", "role", "grant-permission", "writer", "write", p + "x", "--from-key");
        await RunAsync("role grant-permission to nobody", "role", "grant-permission", "missing", "read", p + "a");
        await RunAsync("role get", "role", "get", "reader");
        await RunAsync("role get writer", "role", "get", "writer");
        await RunAsync("role get of none", "role", "get", "missing");
        await RunAsync("user grant-role", "user", "grant-role", "alice", "reader");
        await RunAsync("user grant-role again", "user", "grant-role", "alice", "reader");
        await RunAsync("user grant-role of none", "user", "grant-role", "alice", "missing");
        await RunAsync("user grant-role to nobody", "user", "grant-role", "missing", "reader");
        await RunAsync("user grant-role to bob", "user", "grant-role", "bob", "writer");
        await RunAsync("user get", "user", "get", "alice");
        await RunAsync("user get --detail", "user", "get", "alice", "--detail");
        await RunAsync("user get of nobody", "user", "get", "missing");
    }

    /// <summary>etcdctl itself makes the role root and gives it to the user root when the server says that it is missing.</summary>
    private static async Task EnableAsync(Target t, Etcdctl ctl)
    {
        await ctl.RunAsync("user add root", "user", "add", "root:secret");
        await ctl.RunAsync("auth enable", "auth", "enable");
        await ctl.RunAsync("auth enable again", "auth", "enable", Root);
        await ctl.RunAsync("user get root", "user", "get", "root", Root);
        await ctl.RunAsync("get without a name", "get", t.Prefix + "one");
        await ctl.RunAsync("put without a name", "put", t.Prefix + "one", "1");
        await ctl.RunAsync("get with a wrong password", "get", t.Prefix + "one", "--user=alice:wrong");
        await ctl.RunAsync("get with an unknown name", "get", t.Prefix + "one", "--user=mallory:wonder");
        await ctl.RunAsync("login without a password", "get", t.Prefix + "one", "--user=machine:x");
        await ctl.RunAsync("name and password apart", "get", t.Prefix + "one", "--user=alice", "--password=wonder");
    }

    private static async Task KeysAsync(Target t, Etcdctl ctl)
    {
        string p = t.Prefix;
        Task RunAsync(string name, params string[] arguments) => ctl.RunAsync(name, arguments);

        await RunAsync("root puts", "put", p + "shared/a", "1", Root);
        await RunAsync("root puts outside", "put", p + "other", "2", Root);
        await RunAsync("alice reads a prefix", "get", p + "shared/", "--prefix", Alice);
        await RunAsync("alice reads outside", "get", p + "other", Alice);
        await RunAsync("alice reads more than she may", "get", p, "--prefix", Alice);
        await RunAsync("alice reads what is local", "get", p + "other", "--consistency=s", Alice);
        await RunAsync("alice writes where she may read", "put", p + "shared/a", "3", Alice);
        await RunAsync("alice writes where she may write", "put", p + "one", "3", Alice);
        await RunAsync("alice deletes", "del", p + "one", Alice);
        await RunAsync("alice deletes outside", "del", p + "other", Alice);
        await RunAsync("bob writes in his range", "put", p + "abc", "1", Bob);
        await RunAsync("bob writes at its end", "put", p + "m", "1", Bob);
        await RunAsync("bob writes beyond a key", "put", p + "yes", "1", Bob);
        await RunAsync("bob reads what he may only write", "get", p + "yes", Bob);
        await RunAsync("bob writes and wants what was there", "put", p + "yes", "2", "--prev-kv", Bob);
        await ctl.RunAsync("a transaction within the permissions", $"value(\"{p}one\") = \"x\"\n\nput {p}one 1\n\nput {p}one 2\nget {p}shared/a\n\n", ["txn", Alice]);
        await ctl.RunAsync("a transaction that compares outside", $"value(\"{p}other\") = \"2\"\n\nput {p}one 1\n\n\n", ["txn", Alice]);
        await ctl.RunAsync("a transaction whose other branch is outside", $"value(\"{p}one\") = \"2\"\n\nget {p}one\n\nput {p}other 1\n\n", ["txn", Alice]);
        await RunAsync("alice watches outside", "watch", p + "other", Alice);
        await using var watch = new Running(ctl.Start(t.Cluster.Members[0], "watch", p + "shared/", "--prefix", $"--rev={t.FirstRevision + 1}", Alice));
        t.Seen.Add("alice watches", new JsonArray([.. (await watch.LinesAsync(3, t.Cancellation)).Select(line => JsonValue.Create(line))]));
    }

    private static async Task LeasesAndRecipesAsync(Target t, Etcdctl ctl)
    {
        string p = t.Prefix;
        string id = (await ctl.RunAsync("alice grants a lease", "lease", "grant", "300", Alice)).Split(' ')[1];
        await ctl.RunAsync("alice uses it", "put", p + "one", "leased", $"--lease={id}", Alice);
        await ctl.RunAsync("root uses it too", "put", p + "other", "leased", $"--lease={id}", Root);
        await ctl.RunAsync("alice revokes a lease with a key of others", "lease", "revoke", id, Alice);
        await SaysAsync(t, ctl, "alice looks at its keys", Alice, ["lease", "timetolive", id, "--keys"]);
        await ctl.RunAsync("root revokes it", "lease", "revoke", id, Root);
        await ctl.RunAsync("bob takes a lock where he may not write", "lock", p + "shared/lock", Bob, "--", "echo", "held");
        await ctl.RunAsync("bob runs a command under a lock of his", "lock", p + "block", Bob, "--", "echo", "held");
    }

    private static async Task AdministrationAsync(Target t, Etcdctl ctl)
    {
        foreach (string[] command in (string[][])[["user", "list"], ["user", "add", "eve:evil"], ["role", "list"], ["role", "get", "writer"], ["user", "get", "bob"], ["user", "grant-role", "alice", "root"],
            ["auth", "disable"], ["member", "remove", "4d"], ["defrag"], ["endpoint", "hashkv"], ["alarm", "disarm"], ["move-leader", "4d"]])
            await SaysAsync(t, ctl, $"alice: {string.Join(' ', command)}", Alice, command);
        foreach (string[] command in (string[][])[["user", "get", "alice"], ["role", "get", "reader"], ["member", "list"], ["endpoint", "status"], ["alarm", "list"], ["endpoint", "health"]])
            await SaysAsync(t, ctl, $"alice may: {string.Join(' ', command)}", Alice, command);
        foreach (string[] command in (string[][])[["user", "delete", "root"], ["role", "delete", "root"], ["user", "revoke-role", "root", "root"]])
            await SaysAsync(t, ctl, $"root must not: {string.Join(' ', command)}", Root, command);
        await SaysAsync(t, ctl, "health without a name", "--hex=false", ["endpoint", "health"]);
        await SaysAsync(t, ctl, "root: defrag", Root, ["defrag"]);
    }

    /// <summary>How it ended and the server's words, without what differs from run to run.</summary>
    private static async Task SaysAsync(Target t, Etcdctl ctl, string name, string user, string[] command)
    {
        Compatibility.Tests.Support.Programs.Ended ended = await ctl.OnAsync(t.Cluster.Endpoints, null, [.. command, user], t.Cancellation);
        string? complaint = (ended.Output + ended.Error).Split('\n', '"').LastOrDefault(line => line.Contains("etcdserver: ", StringComparison.Ordinal));
        t.Seen.Add(name, new JsonObject { ["exit"] = ended.ExitCode, ["complaint"] = complaint?[complaint.LastIndexOf("etcdserver: ", StringComparison.Ordinal)..].TrimEnd(')') });
    }

    private static async Task ChangesAsync(Target t, Etcdctl ctl)
    {
        string p = t.Prefix;
        await ctl.RunAsync("user passwd", "through\n", ["user", "passwd", "alice", "--interactive=false", Root]);
        await ctl.RunAsync("the old password", "get", p + "one", Alice);
        await ctl.RunAsync("the new password", "get", p + "one", "--user=alice:through");
        await ctl.RunAsync("role revoke-permission", "role", "revoke-permission", "reader", p + "one", Root);
        await ctl.RunAsync("role revoke-permission again", "role", "revoke-permission", "reader", p + "one", Root);
        await ctl.RunAsync("what was revoked", "put", p + "one", "1", "--user=alice:through");
        await ctl.RunAsync("user revoke-role", "user", "revoke-role", "alice", "reader", Root);
        await ctl.RunAsync("user revoke-role again", "user", "revoke-role", "alice", "reader", Root);
        await ctl.RunAsync("without a role", "get", p + "shared/a", "--user=alice:through");
        await ctl.RunAsync("role delete", "role", "delete", "writer", Root);
        await ctl.RunAsync("role delete again", "role", "delete", "writer", Root);
        await ctl.RunAsync("bob has lost it", "user", "get", "bob", Root);
        await ctl.RunAsync("user delete", "user", "delete", "bob", Root);
        await ctl.RunAsync("user delete again", "user", "delete", "bob", Root);
        await ctl.RunAsync("bob is gone", "get", p + "abc", Bob);
    }

    private static async Task DisableAsync(Target t, Etcdctl ctl)
    {
        await ctl.RunAsync("auth disable", "auth", "disable", Root);
        await ctl.RunAsync("auth disable again", "auth", "disable");
        await ctl.RunAsync("anybody reads", "get", t.Prefix + "other", "--keys-only");
        await ctl.RunAsync("users stay", "user", "list");
        foreach (string command in (string[])["user delete alice", "user delete machine", "user delete root", "role delete reader"])
            await ctl.RunAsync(command, command.Split(' '));
    }
}
