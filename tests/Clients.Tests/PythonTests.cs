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
        return AsRecordedAsync($"tooz-{driver}", "tooz_client.py", driver);
    }

    [Fact]
    public Task Watches_leases_and_locks_of_etcd3_and_etcd3gw_outlive_the_leader()
    {
        Requires.PythonModule("etcd3", "python3-etcd3");
        Requires.PythonModule("etcd3gw", "python3-etcd3gw");
        return AsRecordedAsync("python-failover", "python_failover.py");
    }

    private Task AsRecordedAsync(string script, string file, params string[] arguments) => SameAnswers.AssertAsRecordedAsync(clusters, script,
        target => ClientScript.RunAsync(target, [Requires.Python, Path.Combine(AppContext.BaseDirectory, "Programs", file), .. arguments], Environment));
}
