using System.Diagnostics;
using Conclave.Client;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent.Tests.Running;

/// <summary>The agent with real files, real programs and a real member.</summary>
public class AgentTests
{
    private static readonly string[] Plain = ["[file nova]", "doc = nova", "path = {dir}/nova.conf", "mode = 0600"];

    /// <summary>A service whose restart takes its file in, and fails with a value that it does not like.</summary>
    private static readonly string[] Service =
    [
        .. Plain, "group = svc", "check = " + Machine.Sh("! grep invalid {new} >&2"),
        "[group svc]", "restart = " + Machine.Sh("echo x >> {dir}/restarts; ! grep broken {dir}/nova.conf >&2 && cp {dir}/nova.conf {dir}/running"), "settle = 10ms..1s",
    ];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_published_is_in_the_file_and_the_fleet_knows_it()
    {
        await using Machine machine = await Machine.StartAsync(Plain);
        machine.StartAgent();
        long first = await machine.SetAsync("nova", ("DEFAULT/debug", "true"), ("DEFAULT/host", "\"a\""));
        await machine.StateAsync("nova", "current", first);
        Assert.Equal("[DEFAULT]\ndebug = true\nhost = a\n", machine.Text("nova.conf"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(machine.Path("nova.conf")));
        long second = await machine.SetAsync("nova", ("DEFAULT/host", "\"b\""));
        await machine.StateAsync("nova", "current", second);
        Assert.Equal("[DEFAULT]\ndebug = true\nhost = b\n", machine.Text("nova.conf"));
        V1.NodesResponse nodes = await machine.Client.Configuration.NodesAsync(new V1.NodesRequest { Node = "c1" }, Cancelled);
        Assert.Equal(("\"127.0.0.1\"", $"\"{Environment.MachineName}\""), (nodes.Nodes[0].Facts["mgmt_ip"], nodes.Nodes[0].Facts["hostname"]));
    }

    [Fact]
    public async Task Facts_that_become_others_while_it_runs_are_reported()
    {
        await using Machine machine = await Machine.StartAsync(["facts_command = /bin/cat {dir}/facts.json", "facts_interval = 300ms", .. Plain]);
        await File.WriteAllTextAsync(machine.Path("facts.json"), """{"address":"10.0.0.1"}""", Cancelled);
        machine.StartAgent();
        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/my_ip", "\"%{fact:address}\"")));
        Assert.Equal("[DEFAULT]\nmy_ip = 10.0.0.1\n", machine.Text("nova.conf"));

        await File.WriteAllTextAsync(machine.Path("facts.json"), "out of order", Cancelled);
        await Machine.EventuallyAsync(() => machine.Log, () => machine.Log.Contains("facts_command printed no JSON object", StringComparison.Ordinal));
        await File.WriteAllTextAsync(machine.Path("facts.json"), """{"address":"10.0.0.2"}""", Cancelled);
        await Machine.EventuallyAsync(() => machine.Text("nova.conf") + machine.Log, () => machine.Text("nova.conf") == "[DEFAULT]\nmy_ip = 10.0.0.2\n");
        Assert.Equal(1, machine.Log.Split('\n').Count(l => l == "Connected."));   // over the stream that was there
    }

    [Fact]
    public async Task A_report_that_is_refused_does_not_keep_the_configuration_from_the_node()
    {
        await using Machine machine = await Machine.StartAsync(["fact.big = " + new string('x', 70_000), .. Plain]);
        long release = await machine.SetAsync("nova", ("DEFAULT/debug", "true"));
        machine.StartAgent();
        await machine.StateAsync("nova", "current", release);
        Assert.Equal("[DEFAULT]\ndebug = true\n", machine.Text("nova.conf"));
        Assert.Contains("The report was refused", machine.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_document_whose_name_was_corrected_leaves_the_fleet()
    {
        await using Machine machine = await Machine.StartAsync(["[file nova]", "doc = nvoa", "path = {dir}/nova.conf"]);
        long release = await machine.SetAsync("nova", ("DEFAULT/debug", "true"));
        machine.StartAgent();
        V1.FleetNode slip = await machine.StateAsync("nvoa", "rejected", release);
        Assert.Contains("nobody has said anything of it for this node. Correct the name", slip.Message, StringComparison.Ordinal);
        await Machine.EventuallyAsync(() => "the start is remembered\n" + machine.Log, () => File.Exists(machine.Path("state/run")));   // the member answers after it shows the state
        await machine.StopAgentAsync();

        machine.Configure(Plain);
        machine.StartAgent();
        await machine.StateAsync("nova", "current", release);
        V1.FleetResponse fleet = await machine.Client.Configuration.FleetAsync(new V1.FleetRequest(), Cancelled);
        Assert.Equal(["nova"], fleet.Nodes.Select(n => n.Document));
    }

    [Fact]
    public async Task Two_configurations_that_take_turns_on_one_state_directory_leave_each_others_documents_in_the_fleet()
    {
        await using Machine machine = await Machine.StartAsync(Plain);
        await machine.SetAsync("nova", ("DEFAULT/debug", "true"));
        await machine.SetAsync("glance", ("DEFAULT/debug", "true"));
        string other = machine.Path("other.conf");
        await File.WriteAllTextAsync(other, (await File.ReadAllTextAsync(machine.ConfigPath, Cancelled)).Replace("nova", "glance", StringComparison.Ordinal), Cancelled);
        foreach (string config in (string[])[machine.ConfigPath, other, machine.ConfigPath])
        {
            (int code, _, string errors) = await machine.ConclaveAsync("agent", "once", "--config", config);
            Assert.True(code == 0, errors);
        }

        V1.FleetResponse fleet = await machine.Client.Configuration.FleetAsync(new V1.FleetRequest(), Cancelled);
        Assert.Equal(["glance", "nova"], fleet.Nodes.Select(n => n.Document));
    }

    [Fact]
    public async Task A_start_that_cannot_be_written_down_is_with_a_later_report_and_warned_of_once()
    {
        await using Machine machine = await Machine.StartAsync(Plain);
        long release = await machine.SetAsync("nova", ("DEFAULT/debug", "true"));
        Directory.CreateDirectory(machine.Path("state/run.new"));   // where the draft goes
        machine.StartAgent();
        await machine.StateAsync("nova", "current", release);
        await Machine.EventuallyAsync(() => machine.Log, () => Warnings() > 0);
        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/debug", "false")));   // further reports
        Assert.Equal((1, false), (Warnings(), File.Exists(machine.Path("state/run"))));
        Directory.Delete(machine.Path("state/run.new"));
        await Machine.EventuallyAsync(() => "the start is remembered\n" + machine.Log, () => File.Exists(machine.Path("state/run")));
        Assert.Equal(1, Warnings());

        int Warnings() => machine.Log.Split('\n').Count(l => l.Contains("may stay in the fleet as silent", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_pass_for_a_node_that_is_not_known_says_so()
    {
        await using Machine machine = await Machine.StartAsync(Plain);
        await File.WriteAllTextAsync(machine.ConfigPath, (await File.ReadAllTextAsync(machine.ConfigPath, Cancelled)).Replace("node = c1", "node = c9", StringComparison.Ordinal), Cancelled);
        const string Said = "There is no node c9, so nothing was received.";
        (int code, _, string errors) = await Machine.InTimeAsync(Said, "1s", time => machine.ConclaveAsync("agent", "once", "--timeout", time, "--config", machine.ConfigPath));
        Assert.Equal(1, code);
        Assert.Contains(Said, errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_status_is_printed_as_YAML_too()
    {
        await using Machine machine = await Machine.StartAsync(Plain);
        await machine.SetAsync("nova", ("DEFAULT/debug", "true"));
        await machine.ConclaveAsync("agent", "once", "--config", machine.ConfigPath);
        (int code, string output, _) = await machine.ConclaveAsync("agent", "status", "-o", "yaml", "--config", machine.ConfigPath);
        Assert.Equal(1, code);   // it does not run
        Assert.StartsWith("---\nrunning: false\nnode: \"c1\"\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_metrics_say_what_is_applied_drifted_and_refused()
    {
        await using Machine machine = await Machine.StartAsync(["metrics_file = {dir}/conclave.prom", .. Plain]);
        machine.StartAgent();
        long release = await machine.SetAsync("nova", ("DEFAULT/host", "\"a\""), ("DEFAULT/b", "1"), ("DEFAULT/c", "1"));
        await HasAsync("conclave_agent_connected{node=\"c1\",space=\"default\"} 1", Of("release", "", release), Of("state", ",state=\"applied\"", 1), Of("state", ",state=\"drifted\"", 0), Of("failures_total", "", 0));
        string text = machine.Text("conclave.prom");
        Assert.Matches("(?m)^conclave_agent_document_applied_timestamp_seconds{[^}]*} [0-9]+[.][0-9]{3}$", text);
        Assert.Matches("(?m)^conclave_agent_written_timestamp_seconds{[^}]*} [0-9]+[.][0-9]{3}$", text);
        Assert.All(text.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Matches("^(# (HELP|TYPE) conclave_agent_[a-z_]+ .+|conclave_agent_[a-z_]+{[^}]+} [0-9.]+)$", line));
        Assert.Equal((UnixFileMode)0b110_100_100, File.GetUnixFileMode(machine.Path("conclave.prom")));

        string good = machine.Text("nova.conf");
        await File.WriteAllTextAsync(machine.Path("nova.conf"), "[DEFAULT]\nhost = mine\n", Cancelled);
        await HasAsync(Of("state", ",state=\"applied\"", 0), Of("state", ",state=\"drifted\"", 1));
        await File.WriteAllTextAsync(machine.Path("nova.conf"), good, Cancelled);
        await HasAsync(Of("state", ",state=\"applied\"", 1));
        await machine.SetAsync("nova", ("DEFAULT/host", ""), ("DEFAULT/b", ""), ("DEFAULT/c", ""));   // nothing is left: the guard keeps the file
        await HasAsync(Of("state", ",state=\"rejected\"", 1), Of("failures_total", "", 1));
        await machine.StopServerAsync();
        await HasAsync("conclave_agent_connected{node=\"c1\",space=\"default\"} 0");

        static string Of(string name, string labels, long value) => $"conclave_agent_document_{name}{{node=\"c1\",space=\"default\",document=\"nova\"{labels}}} {value}";
        Task HasAsync(params string[] lines) => Machine.EventuallyAsync(() => $"{string.Join('\n', lines)}\nin\n{machine.Text("conclave.prom")}\n{machine.Log}", () => lines.All(l => machine.Text("conclave.prom").Split('\n').Contains(l)));
    }

    [Fact]
    public async Task What_the_check_refuses_does_not_reach_the_file()
    {
        await using Machine machine = await Machine.StartAsync(Service);
        machine.StartAgent();
        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/host", "\"good\""), ("DEFAULT/x", "1")));
        string good = machine.Text("nova.conf");
        V1.FleetNode rejected = await machine.StateAsync("nova", "rejected", await machine.SetAsync("nova", ("DEFAULT/host", "\"invalid\"")));
        Assert.Contains("host = invalid", rejected.Message, StringComparison.Ordinal);   // what the check said
        Assert.Equal((good, good, 1), (machine.Text("nova.conf"), machine.Text("running"), machine.Lines("restarts")));
        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/host", "\"fine\"")));
        Assert.Equal(machine.Text("nova.conf"), machine.Text("running"));
    }

    [Fact]
    public async Task After_a_restart_that_fails_the_last_good_file_is_back_and_runs()
    {
        await using Machine machine = await Machine.StartAsync(Service);
        machine.StartAgent();
        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/host", "\"good\"")));
        string good = machine.Text("nova.conf");
        V1.FleetNode failed = await machine.StateAsync("nova", "failed", await machine.SetAsync("nova", ("DEFAULT/host", "\"broken\"")));
        Assert.Contains("the restart failed", failed.Message, StringComparison.Ordinal);
        Assert.Contains("It said: host = broken. The files of nova r", failed.Message, StringComparison.Ordinal);
        await Machine.EventuallyAsync(() => "it is restarted with the good file: " + machine.Text("restarts"), () => machine.Lines("restarts") == 3 && machine.Text("running") == good);   // it counts before it copies
        Assert.Equal((good, good), (machine.Text("nova.conf"), machine.Text("running")));
        await Machine.EventuallyAsync(() => "it has noted the end of that restart, which it would do again otherwise", async () =>
            (await machine.ConclaveAsync("agent", "status", "-o", "json", "--config", machine.ConfigPath)).Output.Contains("\"phase\":\"idle\"", StringComparison.OrdinalIgnoreCase));

        await machine.StopAgentAsync();
        machine.StartAgent();   // what failed is not tried again
        await Machine.EventuallyAsync(() => machine.Log, () => machine.Log.Split('\n').Count(l => l == "Connected.") == 2);
        await machine.StateAsync("nova", "failed", failed.Release);
        Assert.Equal(3, machine.Lines("restarts"));
    }

    [Fact]
    public async Task Killed_while_the_program_is_restarted_it_restarts_it_again()
    {
        await using Machine machine = await Machine.StartAsync([.. Plain, "group = svc", "[group svc]", "settle = 0s", "restart = " + Machine.Sh("echo x >> {dir}/restarts; while [ ! -e {dir}/go ]; do sleep 0.05; done; cp {dir}/nova.conf {dir}/running")]);
        long release = await machine.SetAsync("nova", ("DEFAULT/host", "\"a\""));
        using Process killed = Machine.StartConclave("agent", "--config", machine.ConfigPath);
        await Machine.EventuallyAsync(() => "it restarts", () => machine.Lines("restarts") == 1);
        Assert.Contains("host = a", machine.Text("nova.conf"), StringComparison.Ordinal);
        Assert.NotEqual("current", (await machine.FleetAsync("nova"))?.State);
        killed.Kill(entireProcessTree: true);   // SIGKILL
        await killed.WaitForExitAsync(Cancelled);
        Assert.Equal("", machine.Text("running"));

        await File.WriteAllTextAsync(machine.Path("go"), "", Cancelled);
        machine.StartAgent();
        await machine.StateAsync("nova", "current", release);
        Assert.Equal((2, machine.Text("nova.conf")), (machine.Lines("restarts"), machine.Text("running")));
    }

    [Fact]
    public async Task Without_a_cluster_it_starts_with_what_it_has()
    {
        await using Machine machine = await Machine.StartAsync(Plain);
        machine.StartAgent();
        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/host", "\"a\"")));
        string good = machine.Text("nova.conf");
        await machine.StopAgentAsync();
        await machine.StopServerAsync();
        File.Delete(machine.Path("nova.conf"));   // as after a reboot of a machine that keeps nothing there
        machine.StartAgent();
        await Machine.EventuallyAsync(() => machine.Log, () => machine.Text("nova.conf") == good);

        await machine.StartServerAsync();
        long next = await machine.SetAsync("nova", ("DEFAULT/host", "\"b\""));
        await machine.StateAsync("nova", "current", next);
        Assert.Contains("host = b", machine.Text("nova.conf"), StringComparison.Ordinal);
    }

    [Theory, InlineData("report"), InlineData("repair")]
    public async Task What_somebody_else_writes_is_seen(string drift)
    {
        await using Machine machine = await Machine.StartAsync([.. Plain, $"drift = {drift}"]);
        machine.StartAgent();
        long release = await machine.SetAsync("nova", ("DEFAULT/host", "\"a\""));
        await machine.StateAsync("nova", "current", release);
        string good = machine.Text("nova.conf");
        await File.WriteAllTextAsync(machine.Path("nova.conf"), "[DEFAULT]\nhost = mine\n", Cancelled);
        if (drift == "repair")
        {
            await Machine.EventuallyAsync(() => machine.Log, () => machine.Text("nova.conf") == good);
            await machine.StateAsync("nova", "current", release);
            return;
        }

        V1.FleetNode drifted = await machine.StateAsync("nova", "drifted", release);
        Assert.Contains("was changed by somebody else", drifted.Message, StringComparison.Ordinal);
        Assert.Contains("host = mine", machine.Text("nova.conf"), StringComparison.Ordinal);
        await File.WriteAllTextAsync(machine.Path("nova.conf"), good, Cancelled);
        await machine.StateAsync("nova", "current", release);
    }

    [Fact]
    public async Task One_document_that_cannot_be_applied_does_not_stop_the_others()
    {
        await using Machine machine = await Machine.StartAsync([.. Plain, "[file other]", "doc = other", "path = {dir}/missing/other.conf"]);
        machine.StartAgent();
        long other = await machine.SetAsync("other", ("DEFAULT/a", "1"));
        await Machine.EventuallyAsync("it waits, and is not rejected: nothing is wrong with the release", async () =>
            await machine.FleetAsync("other") is { State: "waiting" } waiting && waiting.Release == other && waiting.Message.Contains("there is no directory", StringComparison.Ordinal));
        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/host", "\"a\"")));
        Directory.CreateDirectory(machine.Path("missing"));
        await machine.StateAsync("other", "current", other);   // it is tried again
    }

    [Fact]
    public async Task A_document_of_which_nothing_can_be_had_is_listed_and_a_rollout_waits_for_it()
    {
        await using Machine machine = await Machine.StartAsync([.. Plain, "[file other]", "doc = other", "path = {dir}/other.conf"]);
        await machine.SetAsync("other", ("DEFAULT/a", "\"%{fact:absent}\""));   // nobody reports that
        machine.StartAgent();
        V1.FleetNode stuck = await machine.StateAsync("other", "waiting", 0);
        Assert.StartsWith("no version of it has come yet", stuck.Message, StringComparison.Ordinal);
        V1.PublishResponse published = await machine.Client.Configuration.PublishAsync(new V1.PublishRequest
        {
            Change = new V1.Change { Entries = { new V1.EntryEdit { Document = "other", Scope = "*", Key = "DEFAULT/b", Op = "set", Value = "1" } } },
            Reason = "test",
            Author = "tester",
            Strategy = new V1.Strategy { Preset = "all-at-once", SilenceMs = 500 },
        }, Cancelled);
        await Machine.EventuallyAsync("the rollout is paused, and not done without anybody", async () =>
            (await machine.Client.Configuration.RolloutsAsync(new V1.RolloutsRequest { Release = published.Release }, Cancelled)).Rollouts[0] is { State: "paused" } paused && paused.Reason.EndsWith(": c1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_document_that_loses_most_of_its_keys_is_kept_as_it_was()
    {
        await using Machine machine = await Machine.StartAsync(Plain);
        machine.StartAgent();
        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/a", "1"), ("DEFAULT/b", "1"), ("DEFAULT/c", "1")));
        V1.FleetNode rejected = await machine.StateAsync("nova", "rejected", await machine.SetAsync("nova", ("DEFAULT/a", ""), ("DEFAULT/b", "")));
        Assert.Contains("has lost 2 of 3 keys", rejected.Message, StringComparison.Ordinal);
        Assert.Equal("[DEFAULT]\na = 1\nb = 1\nc = 1\n", machine.Text("nova.conf"));
    }

    [Fact]
    public async Task A_restart_waits_for_its_slot()
    {
        await using Machine machine = await Machine.StartAsync([.. Service, "restart_slots = svc 1"]);
        await using IDistributedLockHandle held = await machine.Client.Semaphore("conclave-agent/slots/svc", 1).AcquireAsync(cancellationToken: Cancelled);
        machine.StartAgent();
        long release = await machine.SetAsync("nova", ("DEFAULT/host", "\"a\""));
        await machine.StateAsync("nova", "pending-restart", release);
        Assert.Equal(0, machine.Lines("restarts"));
        await held.DisposeAsync();
        await machine.StateAsync("nova", "current", release);
        await Machine.EventuallyAsync("the slot is given back", async () => (await machine.Client.RangeAsync(KeyRange.Prefix("conclave-agent/slots/"), cancellationToken: Cancelled)).Items.IsEmpty);
    }

    [Fact]
    public async Task A_service_that_does_not_register_again_is_not_well()
    {
        await using Machine machine = await Machine.StartAsync([.. Service, "verify = live svc within 3s"]);
        await machine.Client.PutAsync("conclave-live/default/svc/c1", "old", cancellationToken: Cancelled);   // of before: it does not count
        machine.StartAgent();
        long first = await machine.SetAsync("nova", ("DEFAULT/host", "\"a\""));
        V1.FleetNode failed = await machine.StateAsync("nova", "failed", first);
        Assert.Contains("no new registration conclave-live/default/svc/c1", failed.Message, StringComparison.Ordinal);
        using var stop = new CancellationTokenSource();
        Task registers = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await machine.Client.PutAsync("conclave-live/default/svc/c1", "new", cancellationToken: Cancelled);
                await Task.Delay(50, Cancelled);
            }
        }, Cancelled);
        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/host", "\"b\"")));
        await stop.CancelAsync();
        await registers;
    }

    [Fact]
    public async Task A_secret_is_in_the_file_and_in_no_text()
    {
        const string Secret = "hunter2-and-more";
        await using Machine machine = await Machine.StartAsync([.. Plain, "check = " + Machine.Sh("cat {new} >&2; ! grep invalid {new}")]);
        await machine.SchemaAsync("nova", "DEFAULT/password", """{"type":"string","secret":true}""");
        machine.StartAgent();
        long release = await machine.SetAsync("nova", ("DEFAULT/password", $"\"{Secret}\""), ("DEFAULT/host", "\"invalid\""));
        V1.FleetNode rejected = await machine.StateAsync("nova", "rejected", release);
        Assert.Contains("password = <secret>", rejected.Message, StringComparison.Ordinal);
        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/host", "\"fine\"")));
        Assert.Contains(Secret, machine.Text("nova.conf"), StringComparison.Ordinal);
        await machine.StopAgentAsync();
        Assert.DoesNotContain(Secret, machine.Log, StringComparison.Ordinal);
        foreach (string file in Directory.GetFiles(machine.Path("state"), "*", SearchOption.AllDirectories))
        {
            if (Path.GetExtension(file) is ".json" or ".journal") Assert.DoesNotContain(Secret, await File.ReadAllTextAsync(file, Cancelled), StringComparison.Ordinal);
            else if (Path.GetFileName(file) != "LOCK") Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        await machine.SetAsync("nova", ("DEFAULT/password", "\"another-secret\""));
        (int code, string output, _) = await machine.ConclaveAsync("agent", "once", "--dry-run", "--config", machine.ConfigPath);
        Assert.Equal(1, code);
        Assert.Contains("-password = <secret>\n+password = <secret>\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("another-secret", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_pass_applies_what_there_is_and_ends()
    {
        await using Machine machine = await Machine.StartAsync(Service);
        long release = await machine.SetAsync("nova", ("DEFAULT/host", "\"a\""));
        string[] dry = ["agent", "once", "--dry-run", "--config", machine.ConfigPath];
        Assert.Equal((1, ""), ((await machine.ConclaveAsync(dry)).Code, machine.Text("nova.conf")));
        (int code, string output, string errors) = await machine.ConclaveAsync("agent", "once", "--config", machine.ConfigPath);
        Assert.True(code == 0, output + errors);
        Assert.Equal(($"nova  r{release}  applied\n", "[DEFAULT]\nhost = a\n", 1), (output, machine.Text("running"), machine.Lines("restarts")));
        await machine.StateAsync("nova", "current", release);
        Assert.Equal((0, ""), await CodeAndOutput(machine.ConclaveAsync(dry)));

        machine.StartAgent();
        (int Code, string Output, string Errors) answer = default;
        await Machine.EventuallyAsync(() => $"the status is good: {answer}\n{machine.Log}", async () => (answer = await machine.ConclaveAsync("agent", "status", "--config", machine.ConfigPath)).Code == 0);
        (int second, _, string why) = await machine.ConclaveAsync("agent", "--config", machine.ConfigPath);
        Assert.Equal(4, second);
        Assert.Contains("Another agent runs", why, StringComparison.Ordinal);
        (_, string status, _) = await machine.ConclaveAsync("agent", "status", "-o", "json", "--config", machine.ConfigPath);
        Assert.StartsWith("{\"running\":true,\"node\":\"c1\"", status, StringComparison.Ordinal);
        Assert.Equal(1, machine.Lines("restarts"));
    }

    private static async Task<(int, string)> CodeAndOutput(Task<(int Code, string Output, string Errors)> run)
    {
        (int code, string output, _) = await run;
        return (code, output);
    }

    [Fact]
    public async Task A_program_that_only_the_operator_restarts_is_waited_for()
    {
        await using Machine machine = await Machine.StartAsync([.. Plain, "group = svc", "[group svc]", "settle = 0s", "live = " + Machine.Sh("echo x >> {dir}/reloads")]);
        machine.StartAgent();
        long release = await machine.SetAsync("nova", ("DEFAULT/host", "\"a\""));
        await machine.StateAsync("nova", "pending-restart", release);
        await Machine.EventuallyAsync(() => "the files are there", () => machine.Text("nova.conf").Length > 0);
        await Machine.EventuallyAsync("the group rests", async () => (await machine.FleetAsync("nova"))?.Message.Contains("by hand", StringComparison.Ordinal) == true);
        Assert.Equal(0, (await machine.ConclaveAsync("agent", "restarted", "svc", "--config", machine.ConfigPath)).Code);
        await machine.StateAsync("nova", "current", release);
    }

    [Fact]
    public async Task A_node_that_is_not_known_keeps_its_files()
    {
        await using Machine machine = await Machine.StartAsync(Plain);
        machine.StartAgent();
        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/host", "\"a\"")));
        string good = machine.Text("nova.conf");
        await machine.ChangeAsync(new V1.Change { Nodes = { new V1.NodeEdit { Node = "c1", Delete = true } } });
        await Machine.EventuallyAsync(() => machine.Log, () => machine.Log.Contains("The files are kept as they are", StringComparison.Ordinal));
        Assert.Equal(good, machine.Text("nova.conf"));
    }
}
