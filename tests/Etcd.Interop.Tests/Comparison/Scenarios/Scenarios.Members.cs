using Etcd.Interop.Tests.Comparison.Steps;

namespace Etcd.Interop.Tests.Comparison;

internal static partial class Scenarios
{
    private static IEnumerable<Scenario> Members() =>
    [
        new("member list", [.. InEachFormat("member list"), new Ctl("member list -w table"), new Ctl("member list -w json")]),
        new("endpoint",
        [
            // A member of etcd's takes some space even if it is empty; ours does not.
            new Ctl("put a 1"),
            .. InEachFormat("endpoint status"),
            .. Commands("endpoint status -w table", "put a 2", "put a 3", "get a", "endpoint status -w json --hex"),
            .. Commands("endpoint health", "endpoint health -w json", "endpoint health -w table"),
        ]),
    ];
}
