using System.Globalization;

namespace Conclave.Wire.Grpc;

/// <summary>The <c>grpc-timeout</c> header: one to eight digits and a unit (H M S m u n).</summary>
public static class GrpcTimeout
{
    private const int DigitsMax = 8;
    private const long ValueMax = 99_999_999;
    private const int NanosecondsPerTick = 100;

    /// <summary>Reads a header value. Fractions of 100 ns are rounded up, so that a positive timeout never becomes zero.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > DigitsMax + 1)
            return false;
        if (!long.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long value))
            return false;
        long? ticks = text[^1] switch
        {
            'H' => value * TimeSpan.TicksPerHour, // 99,999,999 hours are 3.6e18 ticks: no overflow.
            'M' => value * TimeSpan.TicksPerMinute,
            'S' => value * TimeSpan.TicksPerSecond,
            'm' => value * TimeSpan.TicksPerMillisecond,
            'u' => value * TimeSpan.TicksPerMicrosecond,
            'n' => (value + NanosecondsPerTick - 1) / NanosecondsPerTick,
            _ => null,
        };
        timeout = new TimeSpan(ticks.GetValueOrDefault());
        return ticks is not null;
    }

    /// <summary>The header value in the finest unit that fits, rounded up; a negative time becomes <c>0n</c>.</summary>
    public static string Format(TimeSpan timeout)
    {
        long ticks = Math.Max(timeout.Ticks, 0);
        if (ticks <= ValueMax / NanosecondsPerTick)
            return Join(ticks * NanosecondsPerTick, 'n');
        ReadOnlySpan<(long TicksPerUnit, char Unit)> units =
        [
            (TimeSpan.TicksPerMicrosecond, 'u'), (TimeSpan.TicksPerMillisecond, 'm'), (TimeSpan.TicksPerSecond, 'S'),
            (TimeSpan.TicksPerMinute, 'M'),
        ];
        foreach ((long ticksPerUnit, char unit) in units)
        {
            long value = RoundUp(ticks, ticksPerUnit);
            if (value <= ValueMax)
                return Join(value, unit);
        }

        return Join(RoundUp(ticks, TimeSpan.TicksPerHour), 'H');
    }

    private static long RoundUp(long ticks, long ticksPerUnit) => ticks / ticksPerUnit + (ticks % ticksPerUnit == 0 ? 0 : 1);

    private static string Join(long value, char unit) => string.Create(CultureInfo.InvariantCulture, $"{value}{unit}");
}
