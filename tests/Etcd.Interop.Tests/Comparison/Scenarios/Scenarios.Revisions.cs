namespace Etcd.Interop.Tests.Comparison;

internal static partial class Scenarios
{
    private static IEnumerable<Scenario> Revisions() =>
    [
        new("compaction",
        [
            .. Commands("put a 1", "put a 2", "put b 1", "del b", "put a 3"),
            .. Commands(
                "compaction 4", "compaction 4", "compaction 3", "compaction 99", "compaction 0",
                "get a --rev=3", "get a --rev=3 -w json", "get a --rev=4 -w json", "get --prefix '' --rev=4 -w json", "get a --rev=99", "get a -w json",
                "compaction 6 --physical -w json", "get --prefix '' --rev=5 -w json", "get --prefix '' --rev=6 -w json", "get b -w json",
                "compaction x", "compaction 7", "put a 4 -w json", "compaction 7 -w fields", "get a --rev=6 -w json", "get a --rev=7 -w json"),
        ]),
        new("compaction keeps what is alive",
        [
            .. Commands("put a 1", "put b 1", "put c 1", "del a", "put a 2", "del c", "compaction 5 --physical"),
            .. Commands("get --prefix '' --rev=5 -w json", "get --prefix '' --rev=6 -w json", "get --prefix '' --rev=7 -w json", "compaction 7 --physical", "get --prefix '' -w json", "put c 2 -w json", "get c -w json"),
        ]),
    ];
}
