using Etcd.Interop.Tests.Comparison.Steps;

namespace Etcd.Interop.Tests.Comparison;

internal static partial class Scenarios
{
    // Created, modified, versions and values each sort these keys in another order.
    private static string[] SomeKeys =>
        ["put c 2", "put a 3", "put b 1", "put d 0", "put b 4", "put b 1", "put c 5", "put other x"];

    private static IEnumerable<Scenario> Keys() =>
    [
        new("put",
        [
            .. InEachFormat("put a 1"),
            .. InEachFormat("put a 2 --prev-kv"),
            .. InEachFormat("put new 2 --prev-kv"),
            .. Commands("put '' x", "put empty ''", "get empty -w json", "put 'with space' 'and a value'", "get 'with space'"),
            new Ctl("put from-stdin", Input: "line 1\nline 2"),
            new Ctl("get from-stdin -w json"),
        ]),
        new("put with lease, ignore-value, ignore-lease",
        [
            new GrantLease("one", 1000),
            new GrantLease("two", 2000),
            .. Commands(
                "put k v --lease=$one -w json", "get k -w json", "get k -w fields",
                "put k w --ignore-lease -w json", "get k -w json",
                "put k --ignore-value --lease=$two -w json", "get k -w json",
                "put k --ignore-value --ignore-lease --prev-kv -w json", "get k -w json",
                "put k x", "get k -w json",
                "put absent --ignore-value", "put absent v --ignore-lease",
                "put k v --ignore-value", "put k v --lease=123", "get k -w json"),
        ]),
        new("get one key", [.. Commands("put a 1", "put a 2", "put b 3"), .. InEachFormat("get a"), .. InEachFormat("get absent"), .. InEachFormat("get a --rev=2"), .. InEachFormat("get b --rev=3")]),
        new("get ranges",
        [
            .. Commands(SomeKeys),
            .. InEachFormat("get --prefix ''"),
            .. InEachFormat("get a c"),
            .. InEachFormat("get b --from-key"),
            .. Commands(
                "get --prefix o -w json", "get --from-key '' -w json", "get x y -w json", "get c a -w json",
                "get --prefix '' --limit=2 -w json", "get --prefix '' --limit=5 -w json", "get --prefix '' --limit=6 -w json", "get --prefix '' --rev=4 -w json",
                "get --prefix '' --rev=4 --limit=1 -w json", "get a --limit=1 -w json",
                "get --prefix '' --consistency=s -w json", "get a --consistency=l -w json", "get a --consistency=x"),
        ]),
        new("get sorted",
        [
            .. Commands(SomeKeys),
            .. from order in new[] { "ASCEND", "DESCEND" }
               from target in new[] { "KEY", "CREATE", "MODIFY", "VALUE", "VERSION" }
               select new Ctl($"get --prefix '' --order={order} --sort-by={target} -w json"),
            .. Commands(
                "get --prefix '' --order=DESCEND --limit=2 -w json", "get --prefix '' --sort-by=VALUE --limit=3 -w json",
                "get --prefix '' --order=DESCEND --sort-by=MODIFY --limit=1 --rev=5 -w json", "get --prefix '' --sort-by=BOGUS", "get --prefix '' --order=BOGUS"),
        ]),
        new("get parts",
        [
            .. Commands(SomeKeys),
            .. InEachFormat("get --prefix '' --keys-only"),
            .. Commands(
                "get --prefix '' --count-only -w json", "get --prefix '' --count-only -w fields", "get absent --count-only -w json",
                "get --prefix '' --count-only --limit=2 -w json", "get a --print-value-only", "get --prefix '' --print-value-only",
                "get --prefix '' --keys-only --limit=2 -w json", "get --prefix '' --keys-only --sort-by=VALUE -w json", "get --prefix '' --rev=3 --count-only -w json"),
        ]),
        new("del",
        [
            .. Commands(SomeKeys),
            .. InEachFormat("del absent"),
            .. Commands(
                "del a", "get a -w json", "get a --rev=4 -w json", "del a -w json", "put a again -w json", "get a -w json",
                "del b --prev-kv -w json", "del --prefix o --prev-kv", "del c d -w json", "del d --from-key --prev-kv -w fields",
                "get --prefix '' -w json"),
            .. Commands(SomeKeys),
            .. Commands("del --prefix '' --prev-kv -w json", "get --prefix '' -w json"),
        ]),
    ];
}
