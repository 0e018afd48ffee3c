namespace Grpc.AspNetCore.Server.Calls;

/// <summary>The <c>grpc-timeout</c> header: one to eight digits and a unit, as in <c>5S</c> or <c>250m</c>.</summary>
internal static class GrpcTimeout
{
    /// <summary>Longer timeouts are cut to this; timers cannot wait longer, and no call lives that long.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(40);

    private const int DigitsMax = 8;

    /// <summary>Reads the header; false if it is malformed.</summary>
    public static bool TryParse(ReadOnlySpan<char> value, out TimeSpan timeout)
    {
        timeout = default;
        if (value.Length is < 2 or > DigitsMax + 1)
        {
            return false;
        }

        long amount = 0;
        foreach (var digit in value[..^1])
        {
            if (!char.IsAsciiDigit(digit))
            {
                return false;
            }

            amount = (amount * 10) + (digit - '0');
        }

        return TryScale(amount, value[^1], out timeout);
    }

    private static bool TryScale(long amount, char unit, out TimeSpan timeout)
    {
        // Eight digits of hours are 3.6e15 ticks of 100 ns times ten: no unit overflows a long.
        long? ticks = unit switch
        {
            'H' => amount * TimeSpan.TicksPerHour,
            'M' => amount * TimeSpan.TicksPerMinute,
            'S' => amount * TimeSpan.TicksPerSecond,
            'm' => amount * TimeSpan.TicksPerMillisecond,
            'u' => amount * TimeSpan.TicksPerMicrosecond,
            'n' => (amount + TimeSpan.NanosecondsPerTick - 1) / TimeSpan.NanosecondsPerTick,
            _ => null,
        };
        timeout = TimeSpan.FromTicks(Math.Min(ticks ?? 0, Longest.Ticks));
        return ticks is not null;
    }
}
