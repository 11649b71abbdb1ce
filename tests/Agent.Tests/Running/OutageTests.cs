using Conclave.Client;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent.Tests.Running;

/// <summary>The cluster goes away while a program is restarted.</summary>
public class OutageTests
{
    private static readonly string[] Plain = ["[file nova]", "doc = nova", "path = {dir}/nova.conf", "group = svc"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_slot_that_is_lost_during_a_restart_is_told()
    {
        await using Machine machine = await Machine.StartAsync([.. Plain, "[group svc]", "restart = " + Machine.Sh("echo x >> {dir}/restarts; while [ ! -e {dir}/go ]; do sleep 0.05; done"), "restart_slots = svc 1", "settle = 0s"]);
        machine.StartAgent(o => o with { SlotTtl = TimeSpan.FromSeconds(2) });
        long release = await machine.SetAsync("nova", ("DEFAULT/host", "\"a\""));
        await Machine.EventuallyAsync(() => "it restarts", () => machine.Lines("restarts") == 1);
        KeyValue slot = Assert.Single((await machine.Client.RangeAsync(KeyRange.Prefix("conclave-agent/slots/"), cancellationToken: Cancelled)).Items);
        Assert.Equal("c1", slot.Value.ToString());
        await machine.Client.Leases.RevokeAsync(slot.LeaseId, Cancelled);
        await Machine.EventuallyAsync(() => machine.Log, () => machine.Log.Contains("svc: the slot to restart in was lost before the restart was over", StringComparison.Ordinal));
        await File.WriteAllTextAsync(machine.Path("go"), "", Cancelled);
        await machine.StateAsync("nova", "current", release);
        Assert.Equal(1, machine.Log.Split('\n').Count(l => l.Contains("was lost", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_outage_during_the_verification_is_not_the_programs_failure()
    {
        await using Machine machine = await Machine.StartAsync([.. Plain, "[group svc]", "restart = " + Machine.Sh("echo x >> {dir}/restarts"), "settle = 0s", "verify = live svc within 5s"]);
        machine.StartAgent();
        long release = await machine.SetAsync("nova", ("DEFAULT/host", "\"a\""));
        await Machine.EventuallyAsync(() => "it was restarted", () => machine.Lines("restarts") == 1);
        await Task.Delay(TimeSpan.FromMilliseconds(500), Cancelled);   // a look or two find nothing
        await machine.StopServerAsync();
        await Task.Delay(TimeSpan.FromSeconds(6), Cancelled);   // longer than it may take
        await machine.StartServerAsync();
        await Task.Delay(TimeSpan.FromSeconds(1), Cancelled);   // looks find nothing again
        await machine.Client.PutAsync("conclave-live/default/svc/c1", "back", cancellationToken: Cancelled);
        await machine.StateAsync("nova", "current", release);
        Assert.Equal(1, machine.Lines("restarts"));
    }

    [Fact]
    public async Task A_restart_during_an_outage_does_not_take_the_registration_of_the_process_before_for_a_new_one()
    {
        await using Machine machine = await Machine.StartAsync([.. Plain, "[group svc]", "restart = " + Machine.Sh("echo x >> {dir}/restarts"), "settle = 2s", "verify = live svc within 5s"]);
        machine.StartAgent();
        long first = await machine.SetAsync("nova", ("DEFAULT/host", "\"a\""));
        await Machine.EventuallyAsync(() => "it was restarted", () => machine.Lines("restarts") == 1);
        await machine.Client.PutAsync("conclave-live/default/svc/c1", "the first process", cancellationToken: Cancelled);   // without a lease, so it stays
        await machine.StateAsync("nova", "current", first);
        long second = await machine.SetAsync("nova", ("DEFAULT/host", "\"b\""));
        await Machine.EventuallyAsync(() => machine.Text("state/status.json"), () => machine.Text("state/status.json").Contains("settling", StringComparison.Ordinal));
        await machine.StopServerAsync();
        await Machine.EventuallyAsync(() => machine.Log, () => machine.Lines("restarts") == 2);
        await machine.StartServerAsync();
        V1.FleetNode failed = await machine.StateAsync("nova", "failed", second);
        Assert.Contains("no new registration", failed.Message, StringComparison.Ordinal);
    }
}
