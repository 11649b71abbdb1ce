using Conclave.Node.Services;

namespace Conclave.Node.Tests.Limits;

public class UnreadTimeTests
{
    private readonly UnreadTime _unread = new();

    [Fact]
    public void A_stream_that_takes_nothing_has_not_since_it_was_first_looked_at()
    {
        _unread.Hold(4_000_000);
        Assert.Equal(0, _unread.Of(piecesTaken: 0, nowMilliseconds: 1_000));
        Assert.Equal(10_000, _unread.Of(0, 11_000));
        Assert.Equal(4_000_000, _unread.HeldBytes);
    }

    [Fact]
    public void A_large_message_on_a_slow_line_is_being_taken()
    {
        _unread.Hold(4_000_000);
        for (int piece = 0; piece < 60; piece++) Assert.Equal(0, _unread.Of(piece, piece * 9_000));
        Assert.Equal(12_000, _unread.Of(59, 59 * 9_000 + 12_000));   // until it is not any more
        Assert.Equal(0, _unread.Of(60, 59 * 9_000 + 13_000));
    }

    [Fact]
    public void The_next_message_counts_from_its_beginning_and_nothing_held_is_nothing_unread()
    {
        _unread.Hold(100);
        _unread.Of(0, 1_000);
        _unread.Hold(200);
        Assert.Equal(0, _unread.Of(0, 21_000));
        _unread.Hold(0);
        Assert.Equal(0, _unread.Of(0, 99_000));
    }
}
