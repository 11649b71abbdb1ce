using Conclave.Clients.Tests.Scripts;
using Conclave.Compatibility.Tests.Support;

namespace Conclave.Clients.Tests;

/// <summary>etcdctl 3.4 as packaged. Gets, puts, leases, watches and members are compared in Compatibility.Tests; here is the rest.</summary>
public sealed class EtcdctlTests(Clusters clusters)
{
    [Fact]
    public Task Transactions_and_watches_from_a_terminal_go_the_same() => SameAsync("etcdctl-interactive", EtcdctlInteractiveScript.RunAsync);

    [Fact]
    public Task Locks_and_elections_of_the_client_go_the_same() => SameAsync("etcdctl-recipes", EtcdctlRecipeScript.RunAsync);

    [Fact]
    public Task An_operators_commands_go_the_same() => SameAsync("etcdctl-operations", EtcdctlOperationsScript.RunAsync);

    private Task SameAsync(string script, Func<Target, Task> run)
    {
        Requires.Etcdctl();
        return SameAnswers.AssertAsync(clusters, script, run);
    }
}
