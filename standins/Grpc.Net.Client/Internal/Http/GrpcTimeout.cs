using System.Globalization;

namespace Grpc.Net.Client.Internal.Http;

/// <summary>The value of the header grpc-timeout: at most eight digits and a unit.</summary>
internal static class GrpcTimeout
{
    private const long MaxDigits = 99_999_999;

    // Calls mostly have the same timeout.
    private static Encoded? _last;

    /// <summary>Encodes a positive time, rounded up so that the server never gives up before the caller does.</summary>
    public static string Encode(TimeSpan timeout)
    {
        if (Fits(timeout, TimeSpan.TicksPerMillisecond, out var count))
            return Format(count, 'm');
        if (Fits(timeout, TimeSpan.TicksPerSecond, out count))
            return Format(count, 'S');
        return Fits(timeout, TimeSpan.TicksPerMinute, out count) ? Format(count, 'M') : Format(MaxDigits, 'M');
    }

    private static bool Fits(TimeSpan timeout, long ticksPerUnit, out long count)
    {
        count = timeout.Ticks / ticksPerUnit + (timeout.Ticks % ticksPerUnit == 0 ? 0 : 1);
        return count <= MaxDigits;
    }

    private static string Format(long count, char unit)
    {
        if (_last is { } last && last.Count == count && last.Unit == unit)
            return last.Text;
        var text = string.Create(CultureInfo.InvariantCulture, $"{count}{unit}");
        _last = new Encoded(count, unit, text);
        return text;
    }

    private sealed record Encoded(long Count, char Unit, string Text);
}
