using System.Diagnostics.Metrics;
using Conclave.Client;
using Conclave.Extensions.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Conclave.Extensions.Tests.Hosting;

public class ClientTests(SharedNode shared)
{
    [Fact]
    public async Task Locks_and_elections_are_there_by_name()
    {
        using IHost host = Hosts.Build(shared.Node, null, b => b.Services.AddConclaveClient().AddLocks().AddElections());
        var locks = host.Services.GetRequiredService<IDistributedLockProvider>();
        await using (IDistributedLockHandle held = await locks.CreateLock("ext/lock").AcquireAsync(cancellationToken: TestContext.Current.CancellationToken))
        {
            Assert.True(held.FencingToken > 0);
            Assert.Null(await locks.CreateLock("ext/lock").TryAcquireAsync(cancellationToken: TestContext.Current.CancellationToken));
        }

        await using ILeadership leadership = await host.Services.GetRequiredService<IElectionProvider>().CreateElection("ext/election").CampaignAsync(TestContext.Current.CancellationToken);
        Assert.True(leadership.IsHeld);
    }

    [Fact]
    public void A_program_that_names_no_cluster_is_told_what_to_do()
    {
        using IHost host = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings()).Build();
        IServiceCollection services = new ServiceCollection().AddSingleton(host.Services.GetRequiredService<IConfiguration>());
        services.AddConclaveClient();
        using ServiceProvider provider = services.BuildServiceProvider();

        Assert.Contains("Conclave:Endpoints", Assert.Throws<InvalidOperationException>(provider.GetRequiredService<ConclaveClient>).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_health_check_says_for_how_long_changes_could_not_arrive()
    {
        await using RunningNode node = await RunningNode.StartAsync();
        await node.SetAsync("nova", "k", "1");
        using IHost host = Hosts.Build(node, "nova", b => b.Services.AddHealthChecks().AddConclave(TimeSpan.FromHours(1), "patient").AddConclave(TimeSpan.Zero, "strict"));
        var checks = host.Services.GetRequiredService<HealthCheckService>();
        HealthReport well = await checks.CheckHealthAsync(TestContext.Current.CancellationToken);
        Assert.All(well.Entries.Values, e => Assert.Equal(HealthStatus.Healthy, e.Status));
        Assert.Equal(2L, well.Entries["patient"].Data["release"]);

        await node.StopAsync();

        HealthReport ill = well;
        await RunningNode.EventuallyAsync("it is noticed", async () => (ill = await checks.CheckHealthAsync()).Status == HealthStatus.Unhealthy);
        Assert.Equal((HealthStatus.Degraded, HealthStatus.Unhealthy), (ill.Entries["patient"].Status, ill.Entries["strict"].Status));
        Assert.Contains("changes cannot arrive", ill.Entries["strict"].Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_it_does_is_measured_under_its_name()
    {
        await shared.Node.SetAsync("measured", "k", "1");
        var measured = new HashSet<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == "Conclave") l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Note(instrument, value));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Note(instrument, value));
        listener.Start();
        using IHost host = Hosts.Build(shared.Node, "measured", _ => { });
        listener.RecordObservableInstruments();

        Assert.Superset(new HashSet<string> { "conclave.config.connects", "conclave.config.release" }, measured);

        void Note(Instrument instrument, double value)
        {
            lock (measured)
            {
                if (value > 0) measured.Add(instrument.Name);
            }
        }
    }
}
