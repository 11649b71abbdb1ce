using Conclave.Cli.Up;
using Conclave.Client;

namespace Conclave.Cli.Tests.Up;

public class ClusterViewTests
{
    [Fact]
    public void A_cluster_is_ready_when_all_serve_and_agree() =>
        Assert.Equal("ready: 3 of 3 members, leader node2", View(false, Up(1, leader: 2), Up(2, leader: 2), Up(3, leader: 2)).Summary);

    [Fact]
    public void Until_it_was_ready_once_it_is_starting()
    {
        Assert.Equal("starting: 3 members", View(false, Silent(1), Silent(2), Silent(3)).Summary);
        Assert.Equal("starting: 2 of 3 members, leader node1", View(false, Up(1, leader: 1), Up(2, leader: 1), Silent(3)).Summary);
    }

    [Fact]
    public void A_dead_member_degrades_it() =>
        Assert.Equal("degraded: 2 of 3 members, leader node1; down: node3", View(true, Up(1, leader: 1), Up(2, leader: 1), Down(3)).Summary);

    [Fact]
    public void A_member_that_does_not_answer_degrades_it_too() =>
        Assert.Equal("degraded: 2 of 3 members, leader node1", View(true, Up(1, leader: 1), Up(2, leader: 1), Silent(3)).Summary);

    [Fact]
    public void A_leader_that_is_dead_counts_for_nobody() =>
        Assert.Equal("no leader; down: node1", View(true, Down(1), Up(2, leader: 1), Up(3, leader: 1)).Summary);

    [Fact]
    public void A_deposed_leader_that_does_not_know_it_yet_is_not_shown_as_the_leader() =>
        Assert.Equal("ready: 3 of 3 members, leader node2", View(true, Up(1, leader: 1, term: 3), Up(2, leader: 2, term: 4), Up(3, leader: 2, term: 4)).Summary);

    [Fact]
    public void A_leader_without_a_majority_is_none() =>
        Assert.Equal("no leader; down: node2, node3", View(true, Up(1, leader: 1), Down(2), Down(3)).Summary);

    [Fact]
    public void Without_any_process_it_is_down() => Assert.Equal("down: all members have stopped", View(true, Down(1), Down(2), Down(3)).Summary);

    [Fact]
    public void Rows_tell_role_term_revision_lag_process_and_state()
    {
        ClusterView view = View(true, Up(1, leader: 1, applied: 40), Up(2, leader: 1, applied: 37), Down(3));

        Assert.Equal(
        [
            new ViewRow("node1", "leader", "2", "9", "0", "127.0.0.1:1", "101", "up"),
            new ViewRow("node2", "follower", "2", "9", "3", "127.0.0.1:2", "102", "up"),
            new ViewRow("node3", "", "", "", "", "127.0.0.1:3", "", "down (signal 9)"),
        ], view.Rows);
    }

    [Fact]
    public void Lines_are_printed_only_on_change()
    {
        using MemoryStream output = new();
        Cli.Output.Terminal terminal = new(Stream.Null, output, TextWriter.Null, IsInteractive: false, IsInputInteractive: false, _ => null);
        LinePresenter presenter = new(terminal);
        presenter.Show(View(true, Up(1, leader: 1, applied: 40)));
        presenter.Show(View(true, Up(1, leader: 1, applied: 41)));
        presenter.Show(View(true, Down(1)));

        Assert.Equal("""
            node1: 127.0.0.1:1, pid 101
            ready: 1 of 1 members, leader node1
            node1: 127.0.0.1:1, down (signal 9)
            down: all members have stopped

            """, System.Text.Encoding.UTF8.GetString(output.ToArray()));
    }

    private static ClusterView View(bool wasReady, params NodeState[] nodes) => ClusterView.Of(nodes, wasReady);

    private static NodeState Up(int number, ulong leader, ulong term = 2, ulong applied = 40) => new($"node{number}", $"127.0.0.1:{number}", 100 + number, null, new MemberStatus
    {
        Header = new ResponseHeader(1, (ulong)number, 9, term),
        Version = "3.6.0",
        LeaderId = leader,
        RaftTerm = term,
        RaftIndex = applied,
        RaftAppliedIndex = applied,
        DatabaseBytes = 1,
        DatabaseBytesInUse = 1,
        IsLearner = false,
        Errors = [],
    });

    private static NodeState Silent(int number) => new($"node{number}", $"127.0.0.1:{number}", 100 + number, null, null);

    private static NodeState Down(int number) => new($"node{number}", $"127.0.0.1:{number}", null, 137, null);
}
