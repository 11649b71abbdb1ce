using Conclave.Clients.Tests.Support;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Clients.Tests;

/// <summary>The package etcd3 of npm, at the version of Npm/package.json.</summary>
public sealed class NpmTests(Clusters clusters)
{
    [Fact]
    public async Task Keys_watches_leases_locks_and_elections_of_npms_etcd3_go_the_same()
    {
        string modules = await NpmPackages.RequireAsync(TestContext.Current.CancellationToken);
        string[] program = [ServerBinary.OnPath("node")!, Path.Combine(AppContext.BaseDirectory, "Programs", "npm_client.js")];   // required above
        await SameAnswers.AssertAsRecordedAsync(clusters, "npm-etcd3", target => ClientScript.RunAsync(target, program, new Dictionary<string, string> { ["NODE_PATH"] = modules }));
    }
}
