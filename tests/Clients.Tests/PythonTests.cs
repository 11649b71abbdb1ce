using Conclave.Clients.Tests.Support;
using Conclave.Compatibility.Tests.Support;

namespace Conclave.Clients.Tests;

/// <summary>OpenStack's coordination library with both of its drivers, and the two clients below it, as packaged and through the death of the leader. The clients are also compared call by call in Compatibility.Tests.</summary>
public sealed class PythonTests(Clusters clusters)
{
    // The packaged protobuf code is older than the packaged runtime; its pure Python form takes both.
    internal static readonly Dictionary<string, string> Environment = new() { ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python", ["GRPC_VERBOSITY"] = "NONE", ["PYTHONUNBUFFERED"] = "1" };

    [Theory]
    [InlineData("etcd3")]
    [InlineData("etcd3gw")]
    public Task Groups_and_locks_of_tooz_go_the_same(string driver)
    {
        Requires.PythonModule("tooz", "python3-tooz");
        Requires.PythonModule(driver, $"python3-{driver}");
        return SameAsync(clusters, $"tooz-{driver}", "tooz_client.py", driver);
    }

    [Fact]
    public async Task Watches_leases_and_locks_of_etcd3_and_etcd3gw_outlive_the_leader()
    {
        Requires.PythonModule("etcd3", "python3-etcd3");
        Requires.PythonModule("etcd3gw", "python3-etcd3gw");
        // Nobody else's: on the clusters that other tests use as well, etcd 3.4's gateway did not show all writes, twice of two; on its own it did, twice of two. Why is not known.
        await using var own = new Clusters();
        await SameAsync(own, "python-failover", "python_failover.py");
    }

    private static Task SameAsync(Clusters on, string script, string file, params string[] arguments) => SameAnswers.AssertAsync(on, script,
        target => ClientScript.RunAsync(target, [Requires.Python, Path.Combine(AppContext.BaseDirectory, "Programs", file), .. arguments], Environment));
}
