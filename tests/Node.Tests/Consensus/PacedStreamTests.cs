using Conclave.Node.Consensus;
using Conclave.Node.Tests.Limits;

namespace Conclave.Node.Tests.Consensus;

public class PacedStreamTests
{
    private readonly ManualClock _clock = new();
    private readonly List<TimeSpan> _rests = [];
    private readonly MemoryStream _written = new();
    private bool _mayRest = true, _isStopping;

    [Fact]
    public void It_rests_three_times_as_long_as_a_piece_took_and_time_at_rest_does_not_count()
    {
        using PacedStream paced = Paced();
        for (int piece = 1; piece <= 3; piece++)
        {
            WritePiece(paced, TimeSpan.FromMilliseconds(10 * piece));
        }

        Assert.Equal([TimeSpan.FromMilliseconds(30), TimeSpan.FromMilliseconds(60), TimeSpan.FromMilliseconds(90)], _rests);
        Assert.Equal(3 * PacedStream.PieceBytes, _written.Length);
        Assert.Equal(1, _written.GetBuffer()[PacedStream.PieceBytes + 5]);
    }

    [Fact]
    public void A_rest_is_bounded_and_left_out_when_there_is_no_time_for_it()
    {
        using PacedStream paced = Paced();
        WritePiece(paced, TimeSpan.FromSeconds(30));
        Assert.Equal([PacedStream.RestMax], _rests);
        _mayRest = false;
        WritePiece(paced, TimeSpan.FromSeconds(1));
        Assert.Single(_rests);
    }

    [Fact]
    public void What_is_no_longer_wanted_ends_with_the_next_write()
    {
        using PacedStream paced = Paced();
        paced.Write([1, 2, 3]);
        _isStopping = true;
        Assert.Throws<PacedStream.AbandonedException>(() => paced.Write([4]));
        Assert.Throws<PacedStream.AbandonedException>(() => paced.Write([4], 0, 1));
        Assert.Equal(3, _written.Length);
    }

    private PacedStream Paced() => new(_written, () => _isStopping, () => _mayRest, pause =>
    {
        _rests.Add(pause);
        _clock.Advance(pause);
    }, _clock);

    private void WritePiece(PacedStream paced, TimeSpan takes)
    {
        byte[] part = new byte[PacedStream.PieceBytes / 16];
        Array.Fill(part, (byte)1);
        for (int i = 0; i < 15; i++) paced.Write(part);
        _clock.Advance(takes);
        paced.Write(part, 0, part.Length);
    }
}
