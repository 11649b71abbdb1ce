using Conclave.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Conclave.Extensions.Tests.Hosting;

public class ServiceRegistrationTests(SharedNode shared)
{
    [Fact]
    public async Task A_process_is_listed_while_its_host_runs()
    {
        using IHost host = Hosts.Build(shared.Node, null, b => b.Services.AddConclaveClient().AddServiceRegistration("mq", r =>
        {
            r.Instance = "one";
            r.Address = "10.0.0.1:5672";
        }));
        Assert.Null(await Hosts.KeyAsync(shared.Node, "conclave-live/default/mq/"));
        await host.StartAsync(TestContext.Current.CancellationToken);
        await RunningNode.EventuallyAsync("it is listed", async () => await Hosts.KeyAsync(shared.Node, "conclave-live/default/mq/") is not null);
        KeyValue key = (await Hosts.KeyAsync(shared.Node, "conclave-live/default/mq/"))!;
        Assert.Equal(("conclave-live/default/mq/one", "10.0.0.1:5672"), (key.Key.ToString(), key.Value.ToString()));
        Assert.NotEqual(0, key.LeaseId);

        await host.StopAsync(TestContext.Current.CancellationToken);

        Assert.Null(await Hosts.KeyAsync(shared.Node, "conclave-live/default/mq/"));
        Assert.Null(await shared.Node.Client.Leases.TimeToLiveAsync(key.LeaseId, cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_key_or_lease_that_somebody_takes_away_comes_back()
    {
        using IHost host = Hosts.Build(shared.Node, "named-by-node", b => b.Services.AddConclaveClient().AddServiceRegistration("back", r => r.Metadata["zone"] = "eu"));
        await host.StartAsync(TestContext.Current.CancellationToken);
        await RunningNode.EventuallyAsync("it is listed", async () => await Hosts.KeyAsync(shared.Node, "conclave-live/default/back/c1") is not null);   // the node of its configuration
        KeyValue first = (await Hosts.KeyAsync(shared.Node, "conclave-live/default/back/"))!;
        Assert.Equal($$"""{"address":"{{Environment.MachineName}}","zone":"eu"}""", first.Value.ToString());

        await shared.Node.Client.DeleteAsync(KeyRange.Prefix("conclave-live/default/back/"), cancellationToken: TestContext.Current.CancellationToken);
        await RunningNode.EventuallyAsync("it is back", async () => await Hosts.KeyAsync(shared.Node, "conclave-live/default/back/") is { } again && again.CreateRevision > first.CreateRevision);
        KeyValue second = (await Hosts.KeyAsync(shared.Node, "conclave-live/default/back/"))!;
        await shared.Node.Client.Leases.RevokeAsync(second.LeaseId, TestContext.Current.CancellationToken);
        await RunningNode.EventuallyAsync("it is back", async () => await Hosts.KeyAsync(shared.Node, "conclave-live/default/back/") is { } again && again.LeaseId != second.LeaseId);

        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Who_is_unhealthy_is_not_listed()
    {
        var ill = new Illness();
        using IHost host = Hosts.Build(shared.Node, null, b =>
        {
            b.Services.AddHealthChecks().AddCheck("illness", ill);
            b.Services.AddConclaveClient().AddServiceRegistration("health", r =>
            {
                r.FollowHealthChecks = true;
                r.HealthInterval = TimeSpan.FromMilliseconds(50);
            });
        });
        await host.StartAsync(TestContext.Current.CancellationToken);
        await RunningNode.EventuallyAsync("it is listed", async () => await Hosts.KeyAsync(shared.Node, "conclave-live/default/health/") is not null);
        ill.IsIll = true;
        await RunningNode.EventuallyAsync("it is gone", async () => await Hosts.KeyAsync(shared.Node, "conclave-live/default/health/") is null);
        ill.IsIll = false;
        await RunningNode.EventuallyAsync("it is back", async () => await Hosts.KeyAsync(shared.Node, "conclave-live/default/health/") is not null);
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void What_cannot_be_used_is_said_with_all_its_problems()
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() => new ServiceCollection().AddConclaveClient().AddServiceRegistration("a/b", r =>
        {
            r.Instance = "";
            r.Ttl = TimeSpan.Zero;
        }));

        Assert.All((string[])["\"a/b\" is no name of a service", "no name of an instance", "Ttl is 00:00:00"], problem => Assert.Contains(problem, refused.Message, StringComparison.Ordinal));
    }

    private sealed class Illness : IHealthCheck
    {
        public volatile bool IsIll;

        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(IsIll ? HealthCheckResult.Unhealthy() : HealthCheckResult.Healthy());
    }
}
