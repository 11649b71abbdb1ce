using System.Diagnostics;
using Conclave.Client;
using Conclave.Node.Tests.Tls;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent.Tests.Running;

/// <summary>Agents as processes against a cluster that wants to know who they are. They may do what docs/agent.md lists, and nothing else.</summary>
public sealed class SecureAgentTests : IDisposable
{
    private const string Password = "correct horse battery staple", Secret = "only-for-the-file";

    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-secure-").FullName;

    private readonly List<string> _log = [];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task With_a_certificate_or_a_password_an_agent_needs_few_permissions()
    {
        await using SecureCluster cluster = await SecureCluster.StartAsync(Path.Combine(_directory, "cluster"));
        await cluster.PublishAsync(new V1.Change
        {
            Nodes = { new V1.NodeEdit { Node = "c1" }, new V1.NodeEdit { Node = "c2" } },
            Schemas = { new V1.SchemaEdit { Document = "nova", Key = "DEFAULT/password", Schema = """{"type":"string","secret":true}""" } },
        });
        await cluster.PublishAsync(new V1.Change { Entries = { Set("DEFAULT/password", $"\"{Secret}\""), Set("DEFAULT/my_ip", "\"%{fact:mgmt_ip}\"") } });
        await cluster.AddUserAsync("agent-c1", password: null, PermissionsOf("c1"));
        await cluster.AddUserAsync("agent-c2", Password, PermissionsOf("c2"));
        await File.WriteAllTextAsync(In("password"), Password + "\n", Cancelled);
        Issued certificate = cluster.Authority.Issue("agent-c1");
        string one = Configure("c1", [cluster.Address("n1"), cluster.Address("n2")], $"tls_cert = {certificate.CertFile}", $"tls_key = {certificate.KeyFile}", $"tls_ca = {cluster.Authority.CertFile}");
        string two = Configure("c2", [cluster.Address("n3")], $"tls_ca = {cluster.Authority.CertFile}", "user = agent-c2", $"password_file = {In("password")}");

        using Process first = Machine.StartConclave("agent", "--config", one), second = Machine.StartConclave("agent", "--config", two);
        foreach (Process agent in (Process[])[first, second])
        {
            agent.ErrorDataReceived += (_, line) => { lock (_log) _log.Add($"{(agent == first ? "c1" : "c2")} {line.Data}"); };
            agent.BeginErrorReadLine();
        }

        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
            Task registers = RegisterAsync(cluster.Root, stop.Token);   // as the services would: verify looks at it
            long release = await cluster.PublishAsync(new V1.Change { Entries = { Set("DEFAULT/debug", "true") } });
            await AreCurrentAsync(cluster, release);
            foreach (string node in (string[])["c1", "c2"])
                Assert.Equal($"[DEFAULT]\ndebug = true\nmy_ip = 127.0.0.1\npassword = {Secret}\n", await File.ReadAllTextAsync(In(node, "nova.conf"), Cancelled));

            await cluster.StopAsync("n1");
            await AreCurrentAsync(cluster, await cluster.PublishAsync(new V1.Change { Entries = { Set("DEFAULT/debug", "false") } }));
            Assert.Contains("debug = false\n", await File.ReadAllTextAsync(In("c1", "nova.conf"), Cancelled), StringComparison.Ordinal);
            await Machine.EventuallyAsync("the slots are given back", async () => (await cluster.Root.RangeAsync(KeyRange.Prefix("conclave-agent/slots/"), cancellationToken: Cancelled)).Items.IsEmpty);
            await stop.CancelAsync();
            await registers;
        }
        finally
        {
            first.Kill();
            second.Kill();
            await Task.WhenAll(first.WaitForExitAsync(CancellationToken.None), second.WaitForExitAsync(CancellationToken.None));
        }

        await NobodyElseAsync(cluster);
    }

    /// <summary>What the page about the agent says; write on n/ is what reports needed before they had a place of their own below f/.</summary>
    private static Permission[] PermissionsOf(string node) =>
    [
        new(PermissionKind.Read, KeyRange.Prefix("/conclave/default/e/nova/")),
        new(PermissionKind.Read, KeyRange.Single($"/conclave/default/n/{node}")),
        new(PermissionKind.Write, KeyRange.Single($"/conclave/default/f/{node}")),
        new(PermissionKind.ReadWrite, KeyRange.Prefix("conclave-agent/slots/svc/")),
        new(PermissionKind.Read, KeyRange.Single($"conclave-live/default/svc/{node}")),
    ];

    private async Task NobodyElseAsync(SecureCluster cluster)
    {
        using var stranger = new TestAuthority(Directory.CreateDirectory(In("stranger")).FullName, "stranger");
        Issued unknown = cluster.Authority.Issue("somebody");
        string[] known = [$"tls_ca = {cluster.Authority.CertFile}"];
        foreach ((string member, string patience, string[] lines, string said) in ((string, string, string[], string)[])[
            ("n2", "3s", [.. known, $"tls_cert = {unknown.CertFile}", $"tls_key = {unknown.KeyFile}"], "permission denied"),
            ("n3", "12s", [$"tls_ca = {stranger.CertFile}", "user = agent-c2", $"password_file = {In("password")}"], "TLS handshake")])   // tried for 5 s before it is said
        {
            string config = Configure("c3", [cluster.Address(member)], lines);
            (int code, string output, string errors) = await Machine.InTimeAsync(said, patience, time => Machine.EndAsync(Machine.StartConclave("agent", "once", "--timeout", time, "--config", config)));
            Assert.True(code != 0 && errors.Contains(said, StringComparison.Ordinal), $"{said}? {code}\n{output}{errors}");
            Assert.False(File.Exists(In("c3", "nova.conf")));
        }
    }

    private string Configure(string node, string[] members, params string[] lines)
    {
        Directory.CreateDirectory(In(node));
        File.WriteAllLines(In(node, "agent.conf"),
        [
            "[agent]", $"endpoints = {string.Join(',', members)}", $"node = {node}", $"state_dir = {In(node, "state")}", "heartbeat = 500ms", .. lines,
            "[file nova]", "doc = nova", $"path = {In(node, "nova.conf")}", "group = svc",
            "[group svc]", "restart = /bin/true", "restart_slots = svc 50%", "settle = 0s..1s", $"verify = live svc/{node} within 60s",
        ]);
        return In(node, "agent.conf");
    }

    private static async Task RegisterAsync(ConclaveClient root, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                foreach (string node in (string[])["c1", "c2"]) await root.PutAsync($"conclave-live/default/svc/{node}", "10.0.0.1", cancellationToken: CancellationToken.None);
            }
            catch (ConclaveException)
            {
                // A leader is being elected, and what is put again and again need not be known to be there.
            }

            await Task.Delay(200, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task AreCurrentAsync(SecureCluster cluster, long release)
    {
        string[] wanted = [$"c1 current r{release}", $"c2 current r{release}"], last = [];
        await Machine.EventuallyAsync(() => $"both are current at r{release}; they are {string.Join(", ", last)}\n{Log()}", async () => (last = [.. await cluster.FleetAsync("nova")]).SequenceEqual(wanted));
    }

    private string Log()
    {
        lock (_log) return string.Join('\n', _log);
    }

    private static V1.EntryEdit Set(string key, string json) => new() { Document = "nova", Scope = "*", Key = key, Op = "set", Value = json };

    private string In(params string[] path) => Path.Combine([_directory, .. path]);
}
