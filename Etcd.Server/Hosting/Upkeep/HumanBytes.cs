using System.Globalization;

namespace Etcd.Server.Hosting.Upkeep;

/// <summary>Sizes as etcd's log has them: powers of 1000, with one decimal below ten. <c>2.1 GB</c>, <c>64 MB</c>, <c>9 B</c>.</summary>
internal static class HumanBytes
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

    /// <summary>The text of a size.</summary>
    /// <param name="bytes">The size, not negative.</param>
    public static string Of(long bytes)
    {
        if (bytes < 10)
        {
            return bytes.ToString(CultureInfo.InvariantCulture) + " B";
        }

        int unit = (int)Math.Floor(Math.Log(bytes) / Math.Log(1000));
        double value = Math.Floor((bytes / Math.Pow(1000, unit) * 10) + 0.5) / 10;
        return value.ToString(value < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) + " " + Units[unit];
    }
}
