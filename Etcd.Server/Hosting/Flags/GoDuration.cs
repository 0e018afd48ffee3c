using System.Globalization;

namespace Etcd.Server.Hosting.Flags;

/// <summary>Durations as Go writes them, which etcd's flags use: <c>300ms</c>, <c>1h30m</c>, <c>1.5s</c>, <c>0</c>.</summary>
public static class GoDuration
{
    private static readonly (string Unit, double Ticks)[] Units =
    [
        ("ns", 0.01), ("us", 10), ("µs", 10), ("μs", 10), ("ms", TimeSpan.TicksPerMillisecond),
        ("s", TimeSpan.TicksPerSecond), ("m", TimeSpan.TicksPerMinute), ("h", TimeSpan.TicksPerHour),
    ];

    /// <summary>Parses a duration that is not negative.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="FormatException">It is not a duration.</exception>
    public static TimeSpan Parse(string text)
    {
        if (text == "0")
        {
            return TimeSpan.Zero;
        }

        double ticks = 0;
        int at = 0;
        while (at < text.Length)
        {
            ticks += ParsePart(text, ref at);
        }

        return text.Length > 0 && ticks < TimeSpan.MaxValue.Ticks
            ? TimeSpan.FromTicks((long)ticks)
            : throw new FormatException($"invalid duration \"{text}\"");
    }

    private static double ParsePart(string text, ref int at)
    {
        int start = at;
        while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '.'))
        {
            at++;
        }

        string number = text[start..at];
        int unitStart = at;
        while (at < text.Length && !char.IsAsciiDigit(text[at]) && text[at] != '.')
        {
            at++;
        }

        string unit = text[unitStart..at];
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value))
        {
            throw new FormatException($"invalid duration \"{text}\"");
        }

        if (unit.Length == 0)
        {
            throw new FormatException($"missing unit in duration \"{text}\"");
        }

        foreach ((string name, double unitTicks) in Units)
        {
            if (name == unit)
            {
                return value * unitTicks;
            }
        }

        throw new FormatException($"unknown unit \"{unit}\" in duration \"{text}\"");
    }
}
