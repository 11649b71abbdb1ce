using Conclave.Compatibility.Tests.Scripts;
using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests;

/// <summary>Each script runs against etcd and against Conclave; what they answer must be the same but for the documented differences.</summary>
public sealed class ScriptTests(Clusters clusters)
{
    [Fact]
    public Task The_contracts_test_vectors_get_the_same_answers() => SameAsync("vectors", VectorScript.RunAsync);

    [Fact]
    public Task Locks_and_elections_get_the_same_answers() => SameAsync("recipes", RecipeScript.RunAsync);

    [Fact]
    public Task Ranges_with_every_option_get_the_same_answers() => SameAsync("ranges", RangeScript.RunAsync);

    [Fact]
    public Task Puts_and_deletes_get_the_same_answers() => SameAsync("puts", PutScript.RunAsync);

    [Fact]
    public Task Transactions_get_the_same_answers() => SameAsync("transactions", TransactionScript.RunAsync);

    [Fact]
    public Task Watches_get_the_same_messages() => SameAsync("watches", WatchScript.RunAsync);

    [Fact]
    public Task Leases_get_the_same_answers() => SameAsync("leases", LeaseScript.RunAsync);

    [Fact]
    public Task Bad_input_over_JSON_is_refused_alike_and_changes_nothing() => SameAsync("bad-json", BadJsonScript.RunAsync);

    [Fact]
    public Task Bad_input_over_gRPC_is_refused_alike_and_changes_nothing() => SameAsync("bad-grpc", BadGrpcScript.RunAsync);

    [Fact]
    public Task Plain_HTTP_pages_say_the_same() => SameAsync("http", HttpScript.RunAsync);

    [Fact]
    public Task Etcdctl_sees_the_same_keys()
    {
        Requires.Etcdctl();
        return SameAsync("etcdctl-keys", EtcdctlKeyScript.RunAsync);
    }

    [Fact]
    public Task Etcdctl_sees_the_same_leases_watches_and_members()
    {
        Requires.Etcdctl();
        return SameAsync("etcdctl-cluster", EtcdctlClusterScript.RunAsync);
    }

    [Fact]
    public Task Etcdctl_changes_the_members_alike()
    {
        Requires.Etcdctl();
        return SameAsync("etcdctl-members", EtcdctlMemberScript.RunAsync);
    }

    [Fact]
    public Task Python_etcd3_sees_the_same()
    {
        Requires.PythonModule("etcd3", "python3-etcd3");
        return SameAsync("python-etcd3", target => PythonScript.RunAsync(target, "etcd3_client.py"));
    }

    [Fact]
    public Task Python_etcd3gw_sees_the_same()
    {
        Requires.PythonModule("etcd3gw", "python3-etcd3gw");
        return SameAsync("python-etcd3gw", target => PythonScript.RunAsync(target, "etcd3gw_client.py"));
    }

    private Task SameAsync(string script, Func<Target, Task> run) => SameAnswers.AssertAsync(clusters, script, run);
}
