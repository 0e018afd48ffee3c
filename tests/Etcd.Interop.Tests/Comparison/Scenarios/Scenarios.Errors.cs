using Etcd.Interop.Tests.Comparison.Steps;

namespace Etcd.Interop.Tests.Comparison;

internal static partial class Scenarios
{
    private const int MaxRequestBytes = 1_572_864;

    private static IEnumerable<Scenario> Errors() =>
    [
        new("errors of keys", [.. Commands("get ''", "get '' -w json", "del ''", "put '' v", "put '' v -w json", "get a --rev=-1", "get a --limit=-1 -w json")]),
        new("request too large",
        [
            // A request takes a few bytes more than its value: one fits, the next is refused by the member, the last by gRPC.
            new Ctl("put fits", Input: new string('x', MaxRequestBytes - 64)),
            new Ctl("put too-large", Input: new string('x', MaxRequestBytes)),
            new Ctl("put much-too-large", Input: new string('x', MaxRequestBytes + (600 * 1024))),
            .. Commands("get --prefix '' --keys-only -w json"),
        ]),
        new("smaller limits",
        [
            new Ctl("put large", Input: new string('x', 1200)),
            new Ctl("put small", Input: new string('x', 600)),
            Txn("json", If: "", Then: "put a 1\nput b 2\nput c 3", Else: ""),
            Txn("json", If: "", Then: "put a 1\nput b 2", Else: ""),
        ])
        {
            Flags = ["--max-request-bytes=1000", "--max-txn-ops=2"],
        },
    ];
}
