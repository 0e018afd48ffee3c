using Etcd.Interop.Tests.Comparison.Steps;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>What is asked by etcdctl of clusters of three. The member 0 leads when they begin.</summary>
internal static class ClusterScenarios
{
    public const string Itself = "cluster: what it says of itself";

    public const string ComeAndGo = "cluster: members come and go";
    public const string Moves = "cluster: the leadership moves";

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new(Itself,
        [
            .. At(0, "put a 1", "member list", "member list -w json", "member list -w fields", "member list -w table"),
            .. At(1, "member list", "member list -w json"),
            .. At(0, "endpoint status --cluster", "endpoint status --cluster -w json", "endpoint status --cluster -w fields", "endpoint status --cluster -w table"),
            new Ctl("endpoint health --cluster") { IsSorted = true },
            new Ctl("endpoint health --cluster -w table") { IsSorted = true, At = 2 },
        ]),
        new("cluster: through each member",
        [
            .. At(0, "put a 0"),
            .. At(1, "get a -w json", "put a 1", "put b 1 --prev-kv"),
            .. At(2, "get a -w json", "get b --consistency=s -w json", "del a --prev-kv", "del a"),
            .. At(1, "get --prefix '' -w json", "compaction 3"),
            .. At(2, "get a --rev 2", "get a --rev 9999", "put --lease=1234 a 1"),
            new Ctl("txn", "value(\"b\") = \"1\"\n\nput b 2\n\nget b\n\n") { At = 1 },
            new GrantLease("lease", 1000) { At = 1 },
            .. At(2, "put leased 1 --lease=$lease", "lease timetolive $lease --keys", "lease keep-alive --once $lease", "lease list"),
            .. At(1, "lease revoke $lease", "get leased", "lease timetolive $lease", "lease keep-alive --once $lease"),
            new CtlWatch("watch w --prefix --rev 4", 9, [.. At(0, "put w0 0"), .. At(1, "put w1 1"), .. At(2, "put w2 2")]) { At = 1 },
        ]),
        new("cluster: lock and elect",
        [
            .. At(1, "lock alone echo held", "lock alone false", "lock"),
            new CtlTalk("one holds a lock, another waits for it", async hall =>
            {
                await hall.StartAsync("first", 1, "lock l", 1);
                await hall.StartAsync("second", 2, "lock l echo mine", 0);
                await hall.KeysAsync("l/", 2);
                await hall.InterruptAsync("first");
                await hall.EndAsync("second");
            }),
            new CtlTalk("one leads, another campaigns, a third listens", async hall =>
            {
                await hall.StartAsync("first", 1, "elect e one", 2);
                await hall.StartAsync("second", 2, "elect e two", 0);
                await hall.KeysAsync("e/", 2);
                await hall.StartAsync("listener", 1, "elect -l e", 2);
                await hall.InterruptAsync("first");
                await hall.ExpectAsync("second", 2);
                await hall.ExpectAsync("listener", 4);
                await hall.InterruptAsync("second");
            }),
        ]),
        new(ComeAndGo,
        [
            .. At(0, "put a 1"),
            new AddMember("--learner"),
            Sorted("member list"),
            .. At(0, "member promote $new", "member promote 1234", "member add etcd-9 --peer-urls=http://127.0.0.1:9 --learner"),
            new StartAddedMember(),
            Sorted("member list"),
            .. At(3, "get a", "endpoint status -w fields"),
            .. At(1, "member promote $new", "member promote $new"),
            Sorted("member list"),
            .. At(3, "get a", "put a 2"),
            .. At(0, "member update $new --peer-urls=http://127.0.0.1:2"),
            Sorted("member list"),
            .. At(2, "member remove $new", "member remove $new"),
            new AwaitRemovedMember(3),
            Sorted("member list"),
            .. At(0, "member update 1234 --peer-urls=http://127.0.0.1:1", "member remove xyz"),
        ]),
        new(Moves,
        [
            .. At(1, "move-leader $id-2"),
            .. At(0, "move-leader 1234", "move-leader xyz", "move-leader $id-2"),
            new Lead(2),
            .. At(2, "put a 1", "endpoint status -w simple"),
        ]),
    ];

    private static IEnumerable<IStep> At(int member, params IEnumerable<string> lines) => lines.Select(l => new Ctl(l) { At = member });

    private static Ctl Sorted(string line) => new(line) { IsSorted = true };
}
