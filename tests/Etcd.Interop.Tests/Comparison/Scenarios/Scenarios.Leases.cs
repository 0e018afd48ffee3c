using Etcd.Interop.Tests.Comparison.Steps;

namespace Etcd.Interop.Tests.Comparison;

internal static partial class Scenarios
{
    private static IEnumerable<Scenario> Leases() =>
    [
        new("lease",
        [
            .. Commands("lease list", "lease list -w json"),
            new GrantLease("one", 1000),
            .. Commands("put a 1 --lease=$one", "put c 3"),
            .. InEachFormat("lease timetolive $one"),
            .. InEachFormat("lease timetolive $one --keys"),
            .. InEachFormat("lease keep-alive $one --once"),
            .. InEachFormat("lease list"),
            new GrantLease("two", 5000),
            .. Commands("lease list", "put a 1 --lease=$two", "lease timetolive $one --keys -w json", "lease timetolive $two --keys", "put b 2 --lease=$one", "lease timetolive $one --keys", "put b 2", "lease timetolive $one --keys", "put b 3 --lease=$one"),
            .. Commands("lease revoke $one", "lease revoke $two -w json", "get --prefix '' -w json", "lease list", "lease timetolive $one", "lease timetolive $two -w json"),
        ]),
        new("lease errors",
        [
            .. InEachFormat("lease revoke 7b"),
            .. Commands(
                "lease timetolive 7b", "lease timetolive 7b -w json", "lease timetolive 7b -w fields --keys", "lease keep-alive 7b --once", "lease keep-alive 7b --once -w json",
                "lease grant 9000000001", "lease grant 9000000001 -w json", "lease revoke nonsense", "lease grant x"),
        ]),
        new("lease of the longest and the least time",
        [
            new GrantLease("longest", 9_000_000_000), new GrantLease("least", 1), new GrantLease("none", 0),
            .. Commands("lease timetolive $longest", "lease keep-alive $longest --once"),
        ]),
        new("lease expires",
        [
            new GrantLease("short", 2),
            new CtlWatch("watch --prefix '' --rev=2 --prev-kv", Lines: 19, [.. Commands("put a 1 --lease=$short", "put b 2 --lease=$short", "put c 3")]),
            .. Commands("get --prefix '' -w json", "lease list", "lease timetolive $short", "lease revoke $short", "put a 1 --lease=$short", "lease keep-alive $short --once"),
        ]),
        new("lease revoked deletes at one revision",
        [
            new GrantLease("one", 1000),
            .. Commands("put b 1 --lease=$one", "put a 1 --lease=$one", "put c 1 --lease=$one", "lease revoke $one"),
            new CtlWatch("watch --prefix '' --rev=2 -w json", Lines: 1),
            .. Commands("get --prefix '' -w json", "put a 2 -w json"),
        ]),
    ];
}
