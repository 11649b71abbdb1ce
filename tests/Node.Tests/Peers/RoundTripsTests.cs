using System.Text;
using Conclave.Node.Peers;

namespace Conclave.Node.Tests.Peers;

public class RoundTripsTests
{
    private readonly Clock _clock = new();

    /// <summary>Its timestamps begin somewhere, and count nanoseconds.</summary>
    private sealed class Clock : TimeProvider
    {
        public long Nanoseconds { get; set; } = 5_000_000_000;

        public override long TimestampFrequency => 1_000_000_000;

        public override long GetTimestamp() => Nanoseconds;

        public void Pass(double milliseconds) => Nanoseconds += (long)(milliseconds * 1e6);
    }

    [Fact]
    public void What_the_other_side_waits_for_its_own_beat_is_no_part_of_the_way()
    {
        RoundTrips here = new(_clock), there = new(_clock);
        byte[] beat = Beat(here);
        _clock.Pass(3);
        there.OnBeat(beat);
        _clock.Pass(240);
        byte[] answer = Beat(there);
        _clock.Pass(4);
        here.OnBeat(answer);

        Assert.Equal((1, 0.007), Measured(here));
        Assert.Equal((0, 0), Measured(there));   // its own number has not come back yet
        there.OnBeat(Beat(here));
        Assert.Equal((1, 0.004), Measured(there));
    }

    [Fact]
    public void A_beat_goes_back_once()
    {
        RoundTrips here = new(_clock), there = new(_clock);
        there.OnBeat(Beat(here));
        Assert.Equal(24, Beat(there).Length);
        Assert.Equal(8, Beat(there).Length);
        there.OnBeat(Beat(here));
        there.OnBeat(Beat(here));
        Assert.Equal(24, Beat(there).Length);
        Assert.Equal(8, Beat(there).Length);
    }

    [Fact]
    public void A_version_that_sends_a_number_alone_is_not_measured()
    {
        var here = new RoundTrips(_clock);
        here.OnBeat(BitConverter.GetBytes(1UL));
        Assert.Equal(24, Beat(here).Length);
        here.OnBeat(BitConverter.GetBytes(2UL));
        Assert.Equal((0, 0), Measured(here));
    }

    [Theory]
    [InlineData(4_999_999_999L, 0L)]      // of an earlier process
    [InlineData(0L, 0L)]
    [InlineData(5_020_000_001L, 0L)]      // not sent yet
    [InlineData(-1L, 0L)]
    [InlineData(5_010_000_000L, 10_000_001L)]   // waited for longer than it was away
    [InlineData(5_010_000_000L, -1L)]
    public void What_cannot_be_is_not_measured(long sent, long held)
    {
        var here = new RoundTrips(_clock);
        _clock.Pass(20);
        here.OnBeat([.. new byte[8], .. BitConverter.GetBytes(sent), .. BitConverter.GetBytes(held)]);
        Assert.Equal((0, 0), Measured(here));
        here.OnBeat([.. new byte[8], .. BitConverter.GetBytes(5_010_000_000L), .. BitConverter.GetBytes(10_000_000L)]);
        Assert.Equal((1, 0), Measured(here));
    }

    [Fact]
    public void Bytes_of_any_number_do_no_harm()
    {
        for (int bytes = 0; bytes < 40; bytes++) new RoundTrips(_clock).OnBeat(new byte[bytes]);
    }

    private static byte[] Beat(RoundTrips trips)
    {
        byte[] echo = new byte[RoundTrips.EchoBytes];
        ulong number = trips.Next(echo, out int echoBytes);
        return [.. BitConverter.GetBytes(number), .. echo[..echoBytes]];
    }

    private static (int Count, double Sum) Measured(RoundTrips trips)
    {
        var text = new StringBuilder();
        trips.Durations.Write(text, "t", "");
        string Value(string name) => text.ToString().Split('\n').Single(line => line.StartsWith(name, StringComparison.Ordinal)).Split(' ')[1];
        return (int.Parse(Value("t_count"), System.Globalization.CultureInfo.InvariantCulture), double.Parse(Value("t_sum"), System.Globalization.CultureInfo.InvariantCulture));
    }
}
