using System.Diagnostics;

namespace Conclave.Agent.Tests.Running;

/// <summary>A real service of OpenStack's kind: Debian's oslo.config and oslo.service, told by SIGHUP.</summary>
public class OsloServiceTests
{
    private const string Python = "/usr/bin/python3";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_mutable_option_of_an_oslo_service_changes_without_a_restart()
    {
        Assert.SkipUnless(await HasOsloAsync(), "oslo.service is not installed: apt-get install python3-oslo.service python3-oslo.config");
        await using Machine machine = await Machine.StartAsync(
            "[file conf]", "doc = mutable", "path = {dir}/mutable.conf", "group = svc",
            "[group svc]", "settle = 0s", "live = signal HUP pidfile {dir}/pid", "restart = /bin/sh -c 'echo x >> {dir}/restarts'", "timeout = 30s",
            "verify = " + Machine.Sh("for i in $(seq 300); do [ \"$(cut -d\" \" -f2 {dir}/runs)\" = \"$(sed -n \"s/^workers_wanted = //p\" {dir}/mutable.conf)\" ] && exit 0; sleep 0.1; done; exit 1"));
        await machine.SchemaAsync("mutable", "DEFAULT/workers_wanted", """{"type":"integer","apply":"live"}""");
        await machine.SetAsync("mutable", ("DEFAULT/workers_wanted", "3"), ("DEFAULT/fixed", "\"a\""));
        // The file first, as on a machine that is set up: then the service can start.
        File.WriteAllText(machine.Path("mutable.conf"), "[DEFAULT]\nfixed = a\nworkers_wanted = 3\n");
        File.SetUnixFileMode(machine.Path("mutable.conf"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        using Process service = Start(machine);
        try
        {
            await Machine.EventuallyAsync(() => "the service runs: " + machine.Text("errors"), () => machine.Text("runs").Contains(" 3 a", StringComparison.Ordinal));
            string before = machine.Text("runs").Split(' ')[0];
            machine.StartAgent();
            await machine.StateAsync("mutable", "current", 3);
            long live = await machine.SetAsync("mutable", ("DEFAULT/workers_wanted", "5"));
            await machine.StateAsync("mutable", "current", live);   // its verification saw the 5
            Assert.Equal($"{before} 5 a", machine.Text("runs").Trim());   // the same process
            Assert.Equal(0, machine.Lines("restarts"));

            long fixedOne = await machine.SetAsync("mutable", ("DEFAULT/fixed", "\"b\""));
            await machine.StateAsync("mutable", "current", fixedOne);
            Assert.Equal(1, machine.Lines("restarts"));   // no reload would do for that
        }
        finally
        {
            service.Kill(entireProcessTree: true);
        }
    }

    private static Process Start(Machine machine)
    {
        // In a session of its own, as under systemd: in the foreground of a terminal oslo.service ends on SIGHUP.
        string[] arguments = ["-c", $"exec setsid {Python} {Path.Combine(AppContext.BaseDirectory, "Programs", "mutable_service.py")} {machine.Path("mutable.conf")} {machine.Path("runs")} {machine.Path("pid")} > {machine.Path("errors")} 2>&1 < /dev/null"];
        return Process.Start(new ProcessStartInfo("/bin/sh", arguments))!;   // a process was started, or it throws
    }

    private static async Task<bool> HasOsloAsync()
    {
        if (!File.Exists(Python)) return false;
        using Process process = Process.Start(new ProcessStartInfo(Python, ["-c", "import eventlet, oslo_service.service, oslo_config"]) { RedirectStandardError = true })!;   // as above
        await process.WaitForExitAsync(Cancelled);
        return process.ExitCode == 0;
    }
}
