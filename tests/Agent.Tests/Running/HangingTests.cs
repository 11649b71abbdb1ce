using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Conclave.Client;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent.Tests.Running;

/// <summary>Programs and clusters that do not come to an end: an agent does.</summary>
public class HangingTests
{
    private static readonly string[] Plain = ["[file nova]", "doc = nova", "path = {dir}/nova.conf", "group = svc"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Commands_that_hang_are_killed_at_their_time_and_the_next_version_is_taken()
    {
        await using Machine machine = await Machine.StartAsync([
            .. Plain, "check = " + Machine.Sh("! grep -q in-check {new} || sleep 600"), "check_timeout = 2s",
            "[group svc]", "restart = " + Machine.Sh("echo x >> {dir}/restarts; ! grep -q in-restart {dir}/nova.conf || sleep 600; cp {dir}/nova.conf {dir}/running"),
            "verify = " + Machine.Sh("! grep -q in-verify {dir}/nova.conf || sleep 600"), "restart_slots = svc 1", "settle = 10ms..1s", "timeout = 2s"]);
        machine.StartAgent();
        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/hangs", "\"nowhere\"")));
        string good = machine.Text("nova.conf");
        foreach ((string where, string state) in ((string, string)[])[("in-check", "rejected"), ("in-restart", "failed"), ("in-verify", "failed")])
        {
            V1.FleetNode stuck = await machine.StateAsync("nova", state, await machine.SetAsync("nova", ("DEFAULT/hangs", $"\"{where}\"")));
            Assert.Contains("/bin/sh did not end within 2 s and was killed.", stuck.Message, StringComparison.Ordinal);
            await Machine.EventuallyAsync(() => $"after {where} the good file is back and runs", () => (machine.Text("nova.conf"), machine.Text("running")) == (good, good));
            await NobodyHasASlotAsync(machine);
        }

        await machine.StateAsync("nova", "current", await machine.SetAsync("nova", ("DEFAULT/hangs", "\"no more\"")));
        Assert.Equal(machine.Text("nova.conf"), machine.Text("running"));
    }

    [Fact]
    public async Task A_restart_that_may_not_be_killed_fails_and_gives_its_slot_back()
    {
        const string Setpriv = "/usr/bin/setpriv", Nobody = "65534";
        Assert.SkipUnless(Environment.IsPrivilegedProcess && File.Exists(Setpriv), "This takes root, and setpriv of util-linux.");
        // The agent runs as nobody. Its restart becomes root, as with sudo, and hangs.
        await using Machine machine = await Machine.StartAsync([.. Plain, "[group svc]", "restart = {dir}/sudo --reuid=0 " + Machine.Sh("echo $$ > {dir}/pid; exec sleep 600"), "restart_slots = svc 1", "settle = 0s", "timeout = 2s"]);
        File.Copy(Setpriv, machine.Path("sudo"));
        File.SetUnixFileMode(machine.Path("sudo"), (UnixFileMode)0b100_111_101_101);   // set-user-id, 755
        File.SetUnixFileMode(machine.Directory, (UnixFileMode)0b111_111_111);
        long release = await machine.SetAsync("nova", ("DEFAULT/host", "\"a\""));
        try
        {
            (int code, string output, string errors) = await Machine.EndAsync(Machine.Start(Setpriv, "--reuid=" + Nobody, "--regid=" + Nobody, "--clear-groups", Path.Combine(AppContext.BaseDirectory, "conclave"), "agent", "once", "--config", machine.ConfigPath));
            Assert.True(code == 1 && output.StartsWith($"nova  r{release}  failed  the restart failed: ", StringComparison.Ordinal), $"{code}\n{output}{errors}");
            Assert.Contains("did not end within 2 s and could not be killed, so it or what it started may still run", output, StringComparison.Ordinal);
            await NobodyHasASlotAsync(machine);
            Assert.True(File.Exists($"/proc/{machine.Text("pid").Trim()}/status"), "the program has ended, so this shows nothing");
        }
        finally
        {
            if (int.TryParse(machine.Text("pid"), out int process)) Process.GetProcessById(process).Kill();
        }
    }

    [Fact]
    public async Task One_pass_ends_at_its_time_and_says_what_it_waits_for()
    {
        await using Machine machine = await Machine.StartAsync([.. Plain, "[group svc]", "restart = " + Machine.Sh("echo x >> {dir}/restarts"), "restart_slots = svc 1", "settle = 0s"]);
        long release = await machine.SetAsync("nova", ("DEFAULT/host", "\"a\""));
        await using (await machine.Client.Semaphore("conclave-agent/slots/svc", 1).AcquireAsync(cancellationToken: Cancelled))
        {
            (int code, string output, string errors) = await Machine.InTimeAsync("svc is queueing", "3s", time => machine.ConclaveAsync("agent", "once", "--timeout", time, "--config", machine.ConfigPath));
            Assert.True(code == 1, output + errors);
            Assert.StartsWith($"nova  r{release}  pending-restart", output, StringComparison.Ordinal);
            Assert.Matches("Not done within (3|20) s: svc is queueing\\.", errors);
            Assert.Equal(("[DEFAULT]\nhost = a\n", 0), (machine.Text("nova.conf"), machine.Lines("restarts")));
        }

        Assert.Equal(0, (await machine.ConclaveAsync("agent", "once", "--config", machine.ConfigPath)).Code);
        Assert.Equal(1, machine.Lines("restarts"));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_member_that_says_nothing_is_not_waited_for_for_ever(bool isDry)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);   // takes connections and never answers
        silent.Start();
        await using Machine machine = await Machine.StartAsync(Plain[..^1]);
        await File.WriteAllTextAsync(machine.ConfigPath, (await File.ReadAllTextAsync(machine.ConfigPath, Cancelled)).Replace(machine.Url.ToString(), $"http://{silent.LocalEndpoint}", StringComparison.Ordinal), Cancelled);
        string[] once = ["agent", "once", "--timeout", "2s", "--config", machine.ConfigPath];
        (int code, string output, string errors) = await machine.ConclaveAsync(isDry ? [.. once, "--dry-run"] : once);
        Assert.True(code == 6, $"{code} {output}{errors}");
        Assert.Contains(isDry ? "No member sent the documents of c1 within 2 s." : "No member sent anything in time", errors, StringComparison.Ordinal);
    }

    private static Task NobodyHasASlotAsync(Machine machine) => Machine.EventuallyAsync("the slot is given back", async () =>
        (await machine.Client.RangeAsync(KeyRange.Prefix("conclave-agent/slots/"), cancellationToken: Cancelled)).Items.IsEmpty);
}
