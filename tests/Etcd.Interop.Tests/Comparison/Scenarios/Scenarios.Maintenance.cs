using Etcd.Interop.Tests.Comparison.Steps;

namespace Etcd.Interop.Tests.Comparison;

internal static partial class Scenarios
{
    public const string Tables = "formats that few commands have";

    private static IEnumerable<Scenario> Maintenance() =>
    [
        new("defrag",
        [
            .. Commands("put a 1", "put a 2", "del a", "put b 1", "compaction 4 --physical", "defrag", "get --prefix '' -w json", "put b 2 -w json", "defrag -w json", "defrag", "get b -w json", "defrag extra"),
        ]),
        new("endpoint hashkv",
        [
            .. InEachFormat("endpoint hashkv"),
            .. Commands("put a 1", "put a 2", "put b 1", "del b", "put c 3"),
            .. InEachFormat("endpoint hashkv"),
            .. InEachFormat("endpoint hashkv --rev=3"),
            .. Commands(
                "endpoint hashkv -w table", "endpoint hashkv -w json --hex", "endpoint hashkv --rev=1", "endpoint hashkv --rev=6", "endpoint hashkv --rev=7", "endpoint hashkv --rev=-1",
                "compaction 4 --physical", "endpoint hashkv", "endpoint hashkv --rev=3", "endpoint hashkv --rev=4", "endpoint hashkv --rev=5 -w json", "del --prefix ''", "compaction 7 --physical", "endpoint hashkv", "endpoint hashkv --rev=8"),
        ]),
        new("snapshot", [.. Commands("put a 1", "put a 2", "put b 1", "del b"), new SnapshotFile()])
        {
            // What is in a database depends on the version.
            OurFlags = ["--claimed-version=3.5"],
        },
        new("member and leader of one",
        [
            .. Commands(
                "member list -w protobuf", "member add", "member add x", "member add x --peer-urls=nonsense", "member add x --peer-urls=http://localhost:2380", "member remove", "member remove 1234", "member remove xyz",
                "member update", "member update 1234", "member update 1234 --peer-urls=http://127.0.0.1:1", "member promote 1234", "member promote 8e9e05c52164694d", "member promote",
                "move-leader", "move-leader 1234", "move-leader xyz", "move-leader 8e9e05c52164694d"),
            .. InEachFormat("member update 8e9e05c52164694d --peer-urls=http://localhost:2380"),
            .. InEachFormat("member list"),
        ]),
        new("alarms of none", [.. InEachFormat("alarm list"), .. Commands("alarm disarm", "alarm disarm -w json", "alarm list -w table", "alarm list -w protobuf", "alarm disarm -w protobuf", "alarm", "alarm list x")]),
        new(Tables,
        [
            .. Commands(
                "put a 1 -w table", "put a 2 -w protobuf", "get a -w table", "get a -w protobuf", "get --prefix '' -w protobuf", "del a -w protobuf", "del a -w table", "compaction 2 -w protobuf",
                "lease list -w protobuf", "lease list -w table", "lease timetolive 7b -w protobuf", "lease revoke 7b -w protobuf", "endpoint health -w protobuf", "endpoint status -w protobuf", "endpoint hashkv -w protobuf", "put a 1 -w nonsense"),
            new Ctl("txn -w protobuf", "\nput a 3\nget a\n\n\n"), new Ctl("txn -w table", "\n\n\n"),
        ]),
        new("checks of a prefix that is in use",
        [
            .. Commands("put /etcdctl-check-perf/a 1", "check perf", "put /etcdctl-check-datascale/a 1", "check datascale", "check perf --load=nonsense", "check datascale --load=nonsense", "check"),
        ]),
    ];

    private static IEnumerable<Scenario> Utilities() =>
    [
        new("commands of the client alone",
        [
            .. Commands("version", "version -w json", "nonsense", "completion bash", "completion nonsense", "get", "put", "put a", "del", "txn x", "compaction", "lease", "lease grant", "lease revoke", "watch", "lock", "elect", "make-mirror", "downgrade"),
        ]),
        new("txn, interactive",
        [
            .. Commands("put a 1"),
            new Ctl("txn -i", "value(\"a\") = \"1\"\n\nput a 2\nget a\n\nget a\n\n"), new Ctl("txn -i", "value(\"a\") = \"1\"\n\nput a 3\n\nget a\n\n"), new Ctl("txn -i -w json", "\ndel a --prev-kv\n\n\n"),
            new Ctl("txn -i", "nonsense\n\n\n\n"), new Ctl("txn -i", "\nnonsense\n\n\n"), new Ctl("txn", ""),
        ]),
        new("watch that runs a command",
        [
            .. Commands("put a 1", "put a 'two words'", "del a", "put b 3"),
            new CtlWatch("watch --rev=2 --prefix '' -- sh -c 'echo revision=$ETCD_WATCH_REVISION type=$ETCD_WATCH_EVENT_TYPE key=$ETCD_WATCH_KEY value=$ETCD_WATCH_VALUE'", Lines: 16),
            .. Commands("watch --rev=2 a -- false", "watch --rev=2 a -- /no/such/program", "watch a b --prefix"),
        ]),
        new("watch, interactive",
        [
            .. Commands("put a 1", "put b 1", "put a 2", "del a"),
            new CtlTalk("watches that are asked for by and by", async hall =>
            {
                hall.StartReading("watch", "watch -i");
                hall.Say("watch", "watch a --rev=2");
                await hall.ExpectAsync("watch", 9);
                hall.Say("watch", "nonsense");
                hall.Say("watch", "watch");
                hall.Say("watch", "watch a b --prefix");
                hall.Say("watch", "watch b --rev=2 --prev-kv");
                await hall.ExpectAsync("watch", 12);
                await hall.RunAsync("put b 2");
                await hall.ExpectAsync("watch", 17);
                await hall.FallSilentAsync("watch");
            }),
        ]),
        new("lease kept alive",
        [
            new GrantLease("json", 1000) { Format = "json" }, new GrantLease("fields", 2000) { Format = "fields" }, new GrantLease("lease", 3000), new GrantLease("short", 3),
            new CtlTalk("until it is interrupted", async hall =>
            {
                hall.Start("keeper", "lease keep-alive $lease");
                await hall.ExpectAsync("keeper", 1);
                await hall.InterruptAsync("keeper", lines: 1);
            }),
            new CtlTalk("until it is revoked", async hall =>
            {
                // It is asked again after a third of its time.
                hall.Start("keeper", "lease keep-alive $short");
                await hall.ExpectAsync("keeper", 1);
                await hall.RunAsync(hall.Resolve("lease revoke $short"));
                await hall.EndAsync("keeper");
            }),
            .. Commands("lease keep-alive", "lease keep-alive xyz", "lease keep-alive 7b", "lease timetolive", "lease timetolive xyz", "lease timetolive $lease xyz", "lease timetolive $lease -w protobuf", "lease list x"),
        ]),
        new("lock and elect",
        [
            .. Commands("lock l echo held", "lock l --ttl=30 echo held", "lock l -- sh -c 'exit 7'", "lock l /no/such/program", "lock l --ttl=0 echo held", "elect", "elect e", "elect -l e x", "lock ''  echo held"),
            new CtlTalk("one holds a lock, another waits for it", async hall =>
            {
                hall.Start("first", "lock l");
                await hall.ExpectAsync("first", 1);
                hall.Start("second", "lock l --ttl=20 echo mine");
                await hall.KeysAsync("l/", 2);
                await hall.InterruptAsync("first");
                await hall.EndAsync("second");
            }),
        ]),
        new("make-mirror",
        [
            .. Commands("put src/a 1", "put src/b 2", "put other x"),
            new CtlTalk("within one member", async hall =>
            {
                hall.Start("mirror", $"make-mirror --prefix src/ --dest-prefix dst/ {hall.Endpoint}");
                await hall.KeysAsync("dst/", 2);
                await hall.RunAsync("put src/c 3");
                await hall.KeysAsync("dst/", 3);
                await hall.RunAsync("del --prefix src/");
                await hall.KeysAsync("dst/", 0);
                await hall.InterruptAsync("mirror");
            }),
            .. Commands("make-mirror --dest-prefix a --no-dest-prefix 127.0.0.1:1", "get --prefix '' -w simple"),
        ]),
    ];
}
