using Conclave.Cli.Up;

namespace Conclave.Cli.Tests.Up;

public class ClusterPlanTests
{
    [Fact]
    public void Without_a_base_ports_are_those_etcds_local_clusters_always_had() =>
        Assert.Equal([(2379, 2380), (22379, 22380), (32379, 32380), (42379, 42380), (52379, 52380)], PortPlan.Of(5, null).Select(ports => (ports.Client, ports.Peer)));

    [Fact]
    public void With_a_base_they_are_one_block() =>
        Assert.Equal([(7000, 7001), (7002, 7003), (7004, 7005)], PortPlan.Of(3, 7000).Select(ports => (ports.Client, ports.Peer)));

    [Theory]
    [InlineData(3, null, true)]
    [InlineData(3, 65530, true)]
    [InlineData(3, 65531, false)]
    [InlineData(1, 0, false)]
    public void A_block_that_does_not_fit_is_refused(int nodes, int? first, bool fits) => Assert.Equal(fits, PortPlan.Problem(nodes, first) is null);

    [Fact]
    public void A_node_gets_etcds_flags_and_then_the_users()
    {
        ClusterPlan plan = ClusterPlan.Of(3, 7000, "/data", ["--heartbeat-interval", "50"]);

        Assert.Equal(
            "--name node2 --data-dir /data/node2 --listen-client-urls http://127.0.0.1:7002 --advertise-client-urls http://127.0.0.1:7002 "
            + "--listen-peer-urls http://127.0.0.1:7003 --initial-advertise-peer-urls http://127.0.0.1:7003 "
            + "--initial-cluster node1=http://127.0.0.1:7001,node2=http://127.0.0.1:7003,node3=http://127.0.0.1:7005 "
            + "--initial-cluster-state new --initial-cluster-token conclave-up --heartbeat-interval 50",
            string.Join(' ', plan.Nodes[1].Arguments));
        Assert.Equal("/data/node2.log", plan.Nodes[1].LogFile);
    }

    [Fact]
    public void With_tls_every_address_is_https_and_nodes_make_their_certificates()
    {
        ClusterPlan plan = ClusterPlan.Of(3, 7000, "/data", ["--log-level", "debug"], isTls: true);

        Assert.All(plan.Nodes, node => Assert.StartsWith("https://127.0.0.1:", node.ClientUrl, StringComparison.Ordinal));
        Assert.Contains("node1=https://127.0.0.1:7001,", string.Join(' ', plan.Nodes[0].Arguments), StringComparison.Ordinal);
        Assert.Equal(["--auto-tls", "--peer-auto-tls", "--log-level", "debug"], plan.Nodes[2].Arguments.TakeLast(4));
    }

    [Fact]
    public void The_program_is_looked_for_beside_and_where_the_build_puts_it_unless_the_variable_names_it()
    {
        Assert.Equal(["/x/bin/Cli/release/conclave-node", "/x/bin/Node/release/conclave-node"], NodeBinary.Candidates(null, "/x/bin/Cli/release/"));
        Assert.Equal(["/usr/bin/etcd"], NodeBinary.Candidates("/usr/bin/etcd", "/x/bin/Cli/release/"));
    }
}
