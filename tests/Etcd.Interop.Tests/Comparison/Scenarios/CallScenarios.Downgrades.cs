using static Etcd.Interop.Tests.Comparison.Requests;
using static Etcd.Protocol.Etcdserverpb.DowngradeRequest.Types;

namespace Etcd.Interop.Tests.Comparison;

internal static partial class CallScenarios
{
    public const string Downgrade = "Downgrade";

    /// <summary>etcdctl 3.5 has no command for it; the member says that it is of that version too.</summary>
    private static IEnumerable<Scenario> Downgrades() =>
    [
        new(Downgrade,
        [
            .. from action in new[] { DowngradeAction.Validate, DowngradeAction.Enable }
               from version in new[]
               {
                   "", "x", "3", "3.", ".4", "3.x", "3.4.x", "3.4.0.0", "v3.4", " 3.4", "3.4 ", "-3.4", "3.-4", "99999999999999999999.4",
                   "3.3", "3.5", "3.5.0", "3.6", "4.4", "2.4", "0.0", "99999999999.4", "3.99999999999",
               }
               select Requests.Downgrade(action, version),
            .. from version in new[] { "3.4", "3.4.0", "3.4.99", "3.4.0-", "3.4.0-rc.1", "3.4.0+build", "03.04" } select Requests.Downgrade(DowngradeAction.Validate, version),
            Requests.Downgrade(DowngradeAction.Cancel, ""),
            Requests.Downgrade((DowngradeAction)3, "3.4"), Requests.Downgrade((DowngradeAction)(-1), ""),
            Requests.Downgrade(DowngradeAction.Enable, "3.4.1"),
            Requests.Downgrade(DowngradeAction.Validate, "3.4"), Requests.Downgrade(DowngradeAction.Enable, "3.4"), Requests.Downgrade(DowngradeAction.Enable, "3.3"), Requests.Downgrade(DowngradeAction.Enable, "3"),
            Put("a", "1"),
            Requests.Downgrade(DowngradeAction.Cancel, "x"), Requests.Downgrade(DowngradeAction.Validate, "3.4.7"),
        ])
        {
            OurFlags = ["--claimed-version=3.5"],
        },
    ];
}
