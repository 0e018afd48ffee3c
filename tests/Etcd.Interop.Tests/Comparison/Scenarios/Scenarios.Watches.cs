using Etcd.Interop.Tests.Comparison.Steps;

namespace Etcd.Interop.Tests.Comparison;

internal static partial class Scenarios
{
    private static IEnumerable<Scenario> Watches() =>
    [
        new("watch the past",
        [
            .. Commands("put a 1", "put b 1", "put a 2", "del a", "put ab 3", "put b 2"),
            new CtlWatch("watch a --rev=1", Lines: 9),
            new CtlWatch("watch a --rev=4", Lines: 6),
            new CtlWatch("watch a --prefix --rev=1", Lines: 12),
            new CtlWatch("watch a --prefix --rev=1 --prev-kv", Lines: 16),
            new CtlWatch("watch a b --rev=2 -w fields", Lines: 32),
            new CtlWatch("watch b --rev=2 -w json", Lines: 1),
            new CtlWatch("watch a --rev=2 --prev-kv -w json", Lines: 1),
        ]),
        new("watch the future",
        [
            .. Commands("put a 1"),
            new CtlWatch("watch a --prefix --prev-kv --rev=3", Lines: 18, [.. Commands("put a 2", "put b no", "put ab 1", "del a", "del --prefix a")]),
            new CtlWatch("watch --prefix '' --rev=8", Lines: 6, [.. Commands("put x 1", "put y 2")]),
            new CtlWatch("watch x --rev=9", Lines: 6, [.. Commands("put x 1", "put y 2", "del x")]),
            new CtlWatch("watch m --rev=12 --prefix -w json", Lines: 1, [Txn("json", If: "", Then: "put m1 1\nput m2 2\nput other 1", Else: "")]),
        ]),
        new("watch the compacted", [.. Commands("put a 1", "put a 2", "put a 3", "compaction 4", "watch a --rev=2", "watch a --rev=3 -w json"), new CtlWatch("watch a --rev=4", Lines: 3)]),
        new("watch for progress",
        [
            new Ctl("put a 1"),
            new CtlWatch("watch a --progress-notify --rev=2", Lines: 5) { IsEndless = true },
            new CtlWatch("watch b --progress-notify --rev=2 -w json", Lines: 1) { IsEndless = true },
        ])
        {
            Flags = ["--watch-progress-notify-interval=200ms"],
        },
    ];
}
