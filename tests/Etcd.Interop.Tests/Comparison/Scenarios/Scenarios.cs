using Etcd.Interop.Tests.Comparison.Steps;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>All that is asked by etcdctl.</summary>
internal static partial class Scenarios
{
    private static string[] Formats => ["simple", "json", "fields"];

    public static IReadOnlyList<Scenario> All { get; } = [.. Keys(), .. Transactions(), .. Watches(), .. Leases(), .. Revisions(), .. Members(), .. Maintenance(), .. Utilities(), .. Alarms(), .. Errors(), .. Auth()];

    /// <summary>The command in each format that scripts read.</summary>
    private static IEnumerable<IStep> InEachFormat(string line) => Formats.Select(f => new Ctl($"{line} -w {f}"));

    private static IEnumerable<IStep> Commands(params IEnumerable<string> lines) => lines.Select(l => new Ctl(l));
}
