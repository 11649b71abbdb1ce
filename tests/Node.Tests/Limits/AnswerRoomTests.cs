using System.Net;
using Conclave.Node.Http.Limits;

namespace Conclave.Node.Tests.Limits;

/// <summary>Who gets room for an answer next.</summary>
public class AnswerRoomTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10);

    private readonly SteppedTimers _time = new();
    private readonly AnswerRoom _room;
    private readonly ClientShare _a = new(IPAddress.Parse("10.0.0.1")), _b = new(IPAddress.Parse("10.0.0.2")), _c = new(IPAddress.Parse("10.0.0.3"));

    public AnswerRoomTests() => _room = new AnswerRoom(max: 1000, _time);

    [Fact]
    public async Task Who_came_first_is_first_and_nobody_new_of_the_same_address_passes()
    {
        Assert.True(_room.TryTake(_a, 700, 700));
        Task<bool> first = WaitAsync(_a, 600), second = WaitAsync(_a, 100);
        Assert.False(_room.TryTake(_a, 10, 10));
        Assert.False(second.IsCompleted);

        _room.GiveBack(_a, 700);
        Assert.True(await first);
        Assert.True(await second);
        Assert.Equal((0, 700), (_room.Waiting, _a.AnswerBytes));
    }

    [Fact]
    public async Task Addresses_take_turns()
    {
        Assert.True(_room.TryTake(_c, 700, 700));
        Task<bool>[] greedy = [WaitAsync(_a, 400), WaitAsync(_a, 400), WaitAsync(_a, 400)];
        Task<bool> modest = WaitAsync(_b, 400);

        _room.GiveBack(_c, 700);
        Assert.True(await greedy[0]);
        Assert.False(modest.IsCompleted);   // 400 are above its quarter, and 800 above three
        _room.GiveBack(_a, 400);
        Assert.True(await modest);
        Assert.False(greedy[1].IsCompleted);
        _room.GiveBack(_b, 400);
        Assert.True(await greedy[1]);
        _room.GiveBack(_a, 400);
        Assert.True(await greedy[2]);
    }

    [Fact]
    public async Task The_last_quarter_is_for_others_while_one_address_waits()
    {
        Assert.True(_room.TryTake(_a, 750, 750));
        Task<bool> waits = WaitAsync(_a, 10);
        Assert.False(waits.IsCompleted);
        Assert.True(_room.TryTake(_b, 200, 200));
        Assert.True(await WaitAsync(_c, 50));
        Assert.False(waits.IsCompleted);
        _room.GiveBack(_a, 750);
        Assert.True(await waits);
    }

    [Fact]
    public async Task What_is_alone_may_be_as_large_as_it_likes()
    {
        Assert.True(_room.TryTake(_a, 5000, 5000));
        Task<bool> next = WaitAsync(_b, 6000);
        Assert.False(next.IsCompleted);
        _room.GiveBack(_a, 5000);
        Assert.True(await next);
    }

    [Fact]
    public async Task Who_gives_up_takes_nothing_and_is_in_nobodys_way()
    {
        Assert.True(_room.TryTake(_a, 500, 500));
        using var gone = new CancellationTokenSource();
        Task<bool> large = _room.WaitAsync(_b, 700, Long, gone.Token).AsTask(), small = WaitAsync(_b, 200), late = _room.WaitAsync(_b, 720, TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken).AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(20));
        Assert.False(await late);
        Assert.False(small.IsCompleted);

        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        Assert.True(await small);
        _room.GiveBack(_b, 200);
        _room.GiveBack(_a, 500);
        Assert.Equal((0, 0, 0, 0), (_room.Waiting, _a.AnswerBytes, _b.AnswerBytes, _b.AnswersWaiting));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_read_that_finds_no_room_keeps_others_waiting_for_a_second_only(bool ofItsAddress)
    {
        Assert.True(_room.TryTake(_a, 300, 300));   // by a client that takes nothing
        Assert.True(_room.TryTake(_c, 10, 10));
        Task<bool> large = WaitAsync(_b, 600), small = WaitAsync(ofItsAddress ? _b : _c, 100), last = WaitAsync(_c, 20);
        _time.Advance(TimeSpan.FromMilliseconds(900));
        Assert.Equal((0, 10), (_b.AnswerBytes, _c.AnswerBytes));

        _time.Advance(TimeSpan.FromMilliseconds(110));   // nobody gave anything back
        Assert.Equal(430, _a.AnswerBytes + _b.AnswerBytes + _c.AnswerBytes);
        Assert.True(await small);
        Assert.True(await last);
        Assert.False(large.IsCompleted);
        foreach ((ClientShare client, long bytes) in new[] { (_a, 300L), (ofItsAddress ? _b : _c, 100L) }) _room.GiveBack(client, bytes);
        Assert.True(await large);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_read_that_has_to_be_alone_keeps_nobody_waiting(bool ofItsAddress)
    {
        Assert.True(_room.TryTake(_a, 10, 10));   // by a client that takes nothing
        Assert.True(_room.TryTake(_c, 10, 10));
        Task<bool> alone = WaitAsync(_b, 800);
        for (int i = 0; i < 5; i++)
        {
            ClientShare other = ofItsAddress ? _b : _c;
            Assert.False(_room.TryTake(other, 100, 100));
            Assert.True(WaitAsync(other, 100).IsCompletedSuccessfully);   // at once: the clock stands
        }

        _room.GiveBack(ofItsAddress ? _b : _c, 500);
        _room.GiveBack(_a, 10);
        Assert.Equal(0, _b.AnswerBytes);
        _room.GiveBack(_c, 10);
        Assert.True(await alone);
    }

    [Fact]
    public async Task An_address_whose_reads_come_and_give_up_does_not_keep_others_waiting_again_and_again()
    {
        Assert.True(_room.TryTake(_a, 300, 300));
        Assert.True(_room.TryTake(_c, 10, 10));
        using var gone = new CancellationTokenSource();
        Task<bool> first = _room.WaitAsync(_b, 600, Long, gone.Token).AsTask(), small = WaitAsync(_c, 100);
        _time.Advance(TimeSpan.FromMilliseconds(900));
        Task<bool> second = WaitAsync(_b, 600);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal((0, 10), (_b.AnswerBytes, _c.AnswerBytes));
        _time.Advance(TimeSpan.FromMilliseconds(110));
        Assert.Equal((0, 110), (_b.AnswerBytes, _c.AnswerBytes));
        Assert.True(await small);
        Assert.False(second.IsCompleted);
    }

    [Fact]
    public async Task So_many_may_wait_and_one_address_leaves_places_for_others()
    {
        Assert.True(_room.TryTake(_a, 700, 700));
        using var end = new CancellationTokenSource();
        List<Task<bool>> waiting = [.. Enumerable.Range(0, 7500).Select(_ => _room.WaitAsync(_a, 700, Long, end.Token).AsTask())];
        Assert.DoesNotContain(waiting, w => w.IsCompleted);
        Assert.False(await WaitAsync(_a, 1));
        Task<bool> other = _room.WaitAsync(_b, 700, Long, end.Token).AsTask();
        Assert.False(other.IsCompleted);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other);
    }

    [Fact]
    public async Task Under_many_hands_all_get_their_room_and_all_of_it_comes_back()
    {
        ClientShare[] clients = [_a, _b, _c];
        await Task.WhenAll(Enumerable.Range(0, 300).Select(i => Task.Run(async () =>
        {
            ClientShare client = clients[i % 3];
            int bytes = 1 + i * 7 % 700;
            for (int round = 0; round < 20; round++)
            {
                if (!_room.TryTake(client, bytes, bytes)) Assert.True(await WaitAsync(client, bytes));
                await Task.Yield();
                _room.GiveBack(client, bytes);
            }
        })));
        Assert.Equal((0, 0, 0, 0), (_room.Waiting, _a.AnswerBytes, _b.AnswerBytes, _c.AnswerBytes));
    }

    private Task<bool> WaitAsync(ClientShare client, long bytes) => _room.WaitAsync(client, bytes, Long, TestContext.Current.CancellationToken).AsTask();
}
