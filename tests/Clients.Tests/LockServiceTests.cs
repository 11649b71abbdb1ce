using Conclave.Clients.Tests.Scripts;
using Conclave.Compatibility.Tests.Support;

namespace Conclave.Clients.Tests;

/// <summary>The server's Lock and Election services, which no packaged client calls, beside a client that has its own.</summary>
public sealed class LockServiceTests(Clusters clusters)
{
    [Fact]
    public Task Locks_and_elections_of_etcdctl_and_of_the_server_exclude_each_other()
    {
        Requires.Etcdctl();
        return SameAnswers.AssertAsync(clusters, "lock-service", LockServiceScript.RunAsync);
    }
}
