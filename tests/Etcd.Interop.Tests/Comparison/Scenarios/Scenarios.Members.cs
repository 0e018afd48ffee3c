using Etcd.Interop.Tests.Comparison.Steps;

namespace Etcd.Interop.Tests.Comparison;

internal static partial class Scenarios
{
    private static IEnumerable<Scenario> Members() =>
    [
        new("member list", [.. InEachFormat("member list"), new Ctl("member list -w table"), new Ctl("member list --hex -w json")]),
        new("endpoint",
        [
            .. InEachFormat("endpoint status"),
            .. Commands("endpoint status -w table", "put a 1", "put a 2", "get a", "endpoint status -w table --hex"),
            .. Commands("endpoint health", "endpoint health -w json", "endpoint health -w table"),
        ]),
    ];
}
