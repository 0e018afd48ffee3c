namespace Etcd.Behaviour.Cases;

/// <summary>Every case.</summary>
internal static class AllCases
{
    public static IReadOnlyList<Case> List { get; } =
    [
        .. RangeCases.List,
        .. WriteCases.List,
        .. TxnCases.List,
        .. CompactionCases.List,
        .. WatchCases.List,
        .. LeaseCases.List,
        .. LimitCases.List,
    ];
}
