using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>Every difference in an answer between 3.5.16, which tests compare with, and 3.7.1, which is the contract.</summary>
internal static class KnownDifferences
{
    public static IReadOnlyList<KnownDifference> All { get; } =
    [
    ];

    /// <summary>Those that a program is to show: the reference has none from itself.</summary>
    public static IReadOnlyList<KnownDifference> Of(ServerProgram tested) => tested == ServerProgram.Real ? [] : All;
}
