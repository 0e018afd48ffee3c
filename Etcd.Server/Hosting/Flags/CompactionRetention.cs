using System.Globalization;

namespace Etcd.Server.Hosting.Flags;

/// <summary>
/// What --auto-compaction-mode and --auto-compaction-retention mean together. A plain number is hours in the mode "periodic" and
/// revisions in the mode "revision"; a duration is itself, and in the mode "revision" the number of its nanoseconds, as in etcd.
/// </summary>
/// <param name="Period">How much history is kept; zero unless the mode is "periodic".</param>
/// <param name="Revisions">How many revisions are kept; zero unless the mode is "revision".</param>
public readonly record struct CompactionRetention(TimeSpan Period, long Revisions)
{
    private const string Periodic = "periodic";
    private const string Revision = "revision";

    // Go's durations end there.
    private const long HoursMax = 2_562_047;

    // A period is looked at ten times, and a tick is the least that can be waited for.
    private const long PeriodTicksMin = 10;

    /// <summary>Whether nothing is compacted by itself.</summary>
    public bool IsOff => Period == TimeSpan.Zero && Revisions == 0;

    /// <summary>Parses both.</summary>
    /// <param name="mode">The mode.</param>
    /// <param name="retention">The retention.</param>
    /// <exception cref="FormatException">One is wrong; the message says so in etcd's words.</exception>
    public static CompactionRetention Parse(string mode, string retention)
    {
        if (mode is not (Periodic or Revision))
        {
            throw new FormatException(mode.Length == 0 ? "undefined auto-compaction-mode" : $"unknown auto-compaction-mode \"{mode}\"");
        }

        bool isNumber = long.TryParse(retention, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= 0;
        if (mode == Revision)
        {
            return new CompactionRetention(TimeSpan.Zero, isNumber ? number : Nanoseconds(Duration(retention)));
        }

        if (isNumber && number > HoursMax)
        {
            throw Wrong($"invalid duration \"{retention}\"");
        }

        TimeSpan period = isNumber ? TimeSpan.FromHours((int)number) : Duration(retention);
        return period == TimeSpan.Zero || period.Ticks >= PeriodTicksMin
            ? new CompactionRetention(period, 0)
            : throw new FormatException($"--auto-compaction-retention[{retention}] is too short");
    }

    private static TimeSpan Duration(string text)
    {
        bool isSigned = text.StartsWith('-') || text.StartsWith('+');
        string unsigned = isSigned ? text[1..] : text;
        TimeSpan duration;
        try
        {
            duration = GoDuration.Parse(unsigned);
        }
        catch (FormatException e)
        {
            throw Wrong(e.Message.Replace($"\"{unsigned}\"", $"\"{text}\"", StringComparison.Ordinal));
        }

        // etcd takes it, and then compacts without a pause.
        return text.StartsWith('-') && duration > TimeSpan.Zero
            ? throw new FormatException($"--auto-compaction-retention[{text}] must not be negative")
            : duration;
    }

    private static long Nanoseconds(TimeSpan duration) => duration.Ticks > long.MaxValue / 100 ? long.MaxValue : duration.Ticks * 100;

    private static FormatException Wrong(string what) => new("error parsing CompactionRetention: time: " + what);
}
