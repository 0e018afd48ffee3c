using System.Globalization;
using System.Text.RegularExpressions;

namespace Etcd.Server.Membership;

/// <summary>
/// Which downgrades there are, as etcd has it (server/etcdserver/version): by one minor version at a time. Pure.
/// </summary>
public static partial class DowngradeRules
{
    /// <summary>
    /// The version that a client asks for: "3.6", "3.6.0", "3.6.4-rc.1+build", of which major and minor number count.
    /// </summary>
    /// <param name="text">What the client sent.</param>
    /// <returns>The version; null if the text is none. A number that no version has is one that nothing can be downgraded to.</returns>
    public static Version? ParseTarget(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Match match = Semantic().Match(text);
        if (!match.Success)
        {
            match = Semantic().Match(text + ".0");
        }

        return match.Success && Number(match, "major") is { } major && Number(match, "minor") is { } minor && Number(match, "patch") is not null
            ? new Version(major, minor)
            : null;
    }

    /// <summary>Whether members of one version can be replaced by ones of another.</summary>
    /// <param name="from">Theirs.</param>
    /// <param name="to">The others'.</param>
    public static bool IsValid(Version from, Version to)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        return to.Major == from.Major && to.Minor == from.Minor - 1;
    }

    /// <summary>How the log spells a version: "3.6.0".</summary>
    /// <param name="version">Major and minor number.</param>
    public static string Text(Version version)
    {
        ArgumentNullException.ThrowIfNull(version);
        return version.ToString(2) + ".0";
    }

    /// <summary>What clients are told of a version: "3.7" of "3.7.0".</summary>
    /// <param name="version">An agreed version.</param>
    public static string Short(string version)
    {
        ArgumentNullException.ThrowIfNull(version);
        return version[..version.LastIndexOf('.')];
    }

    private static int? Number(Match match, string group) =>
        long.TryParse(match.Groups[group].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? (int)Math.Min(number, int.MaxValue)
            : null;

    [GeneratedRegex(@"\A(?<major>[0-9]+)\.(?<minor>[0-9]+)\.(?<patch>[0-9]+)(-[0-9A-Za-z.-]*)?(\+[0-9A-Za-z.-]*)?\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Semantic();
}
