using Conclave.Node.Consensus;

namespace Conclave.Node.Tests.Consensus;

public class ReadBarrierTests
{
    private readonly List<ulong> _asked = [];
    private readonly ReadBarrier _barrier;

    public ReadBarrierTests() => _barrier = new ReadBarrier(_asked.Add, new NoDriver(), TimeSpan.FromMinutes(1));

    [Fact]
    public async Task Reads_that_come_while_a_round_is_under_way_share_the_next_one()
    {
        Task<bool> first = _barrier.WaitAsync();
        Task<bool> second = _barrier.WaitAsync(), third = _barrier.WaitAsync();
        Assert.Single(_asked);

        _barrier.OnVerdict(_asked[0], ready: true, 0);

        Assert.True(await first);
        Assert.False(second.IsCompleted);
        Assert.Equal(2, _asked.Count);
        _barrier.OnVerdict(_asked[1], ready: true, 0);
        Assert.True(await second && await third);
    }

    [Fact]
    public async Task A_confirmed_read_waits_until_its_index_is_applied()
    {
        Task<bool> read = _barrier.WaitAsync();
        _barrier.OnVerdict(_asked[0], ready: true, 7);
        _barrier.OnApplied(6);
        Assert.False(read.IsCompleted);

        _barrier.OnApplied(7);

        Assert.True(await read);
    }

    [Fact]
    public void An_answer_to_a_round_that_was_asked_again_confirms_nothing()
    {
        Task<bool> read = _barrier.WaitAsync();
        _barrier.OnLeader();

        _barrier.OnVerdict(_asked[0], ready: true, 0);

        Assert.Equal(2, _asked.Count);
        Assert.False(read.IsCompleted);
    }

    [Fact]
    public void A_refusal_leaves_the_round_waiting_for_the_next_leader()
    {
        Task<bool> read = _barrier.WaitAsync();

        _barrier.OnVerdict(_asked[0], ready: false, 0);

        Assert.False(read.IsCompleted);
        _barrier.OnLeader();
        Assert.Equal(2, _asked.Count);
    }

    [Fact]
    public async Task Reads_that_nobody_confirms_end_with_false()
    {
        var hasty = new ReadBarrier(_asked.Add, new NoDriver(), TimeSpan.Zero);
        Task<bool> asked = hasty.WaitAsync(), gathering = hasty.WaitAsync();

        hasty.Sweep();

        Assert.False(await asked);
        Assert.False(await gathering);
        Assert.Equal(1, hasty.SlowRounds);   // both were in one
    }

    [Fact]
    public async Task A_stopped_node_confirms_nothing()
    {
        Task<bool> read = _barrier.WaitAsync();

        _barrier.Stop();

        Assert.False(await read);
        Assert.False(await _barrier.WaitAsync());
    }
}
