using Etcd.Interop.Tests.Comparison.Steps;
using Etcd.Protocol.Etcdserverpb;
using static Etcd.Interop.Tests.Comparison.Requests;
using static Etcd.Protocol.Etcdserverpb.AlarmRequest.Types;

namespace Etcd.Interop.Tests.Comparison;

internal static partial class Scenarios
{
    // The id of a member that says that it is "default" at http://localhost:2380.
    private const ulong Self = 10276657743932975437;

    public const string NoSpace = "alarm NOSPACE";

    private static IEnumerable<Scenario> Alarms() =>
    [
        new(NoSpace,
        [
            .. Commands("alarm list", "alarm disarm", "put a 1", "put a 2"),
            Alarm(AlarmAction.Activate, AlarmType.Nospace, Self),
            Alarm(AlarmAction.Activate, AlarmType.Nospace, Self),
            .. InEachFormat("alarm list"),
            StatusErrors(), new Get("/health"), new Get("/health?exclude=NOSPACE"), new Get("/health?exclude=CORRUPT"), new Get("/health?serializable=true"),
            .. Commands("endpoint health", "put a 3", "get a", "del a", "compaction 3", "get a --rev 1"),
            new Ctl("txn", "value(\"b\") = \"1\"\n\nput b 2\n\nget b\n\n"), new Ctl("txn", "value(\"b\") = \"1\"\n\nget b\n\nput b 2\n\n"),
            new Ctl("txn", "value(\"b\") = \"1\"\n\nget b\n\ndel b\n\n"),
            Grant(7, 1000), Revoke(7),
            Requests.Txn(new TxnRequest { Success = { Op(new TxnRequest { Failure = { Op(PutOf("n", "1")) } }) } }),
            Put("", ""), Requests.Txn(new TxnRequest { Success = { Op(PutOf("", "")) } }),
            .. Commands("alarm disarm", "alarm list", "put a 4", "get a -w json"),
            StatusErrors(), new Get("/health"),
        ]),
        new("alarm CORRUPT",
        [
            .. Commands("put a 1", "put b 1"),
            Grant(7, 1000),
            Alarm(AlarmAction.Activate, AlarmType.Corrupt, 0),
            .. InEachFormat("alarm list"),
            StatusErrors(), new Get("/health"), new Get("/health?exclude=CORRUPT"),
            .. Commands("put a 2", "get a", "get a --consistency=s", "del a", "compaction 2", "endpoint health", "lease list"),
            new Ctl("txn", "value(\"a\") = \"1\"\n\nget a\n\nget b\n\n"), new Ctl("txn", "value(\"a\") = \"1\"\n\ndel a\n\nget b\n\n"),
            Grant(8, 1000), Revoke(7), KeepAlive(7),
            Alarm(AlarmAction.Activate, AlarmType.Nospace, Self),
            // What both do to a put is not compared: 3.5 lets the one that was raised last decide, and forgets the other when one is lowered.
            new Get("/health?exclude=NOSPACE"), new Get("/health?exclude=CORRUPT"),
            Alarm(AlarmAction.Get, AlarmType.Nospace, 0), Alarm(AlarmAction.Get, AlarmType.Corrupt, 99),
            Alarm(AlarmAction.Deactivate, AlarmType.Corrupt, 0), Alarm(AlarmAction.Deactivate, AlarmType.Corrupt, 0),
            Alarm(AlarmAction.Deactivate, AlarmType.Nospace, Self), Alarm(AlarmAction.Activate, AlarmType.None, Self), Alarm(AlarmAction.Deactivate, AlarmType.None, 0),
            Put("a", "5"), Delete(DeleteOf("a")),
        ]),
        new("alarms of several",
        [
            Alarm(AlarmAction.Activate, AlarmType.Nospace, 1), Alarm(AlarmAction.Activate, AlarmType.Nospace, 2), Alarm(AlarmAction.Activate, AlarmType.Corrupt, 2),
            new Ctl("alarm list") { IsSorted = true },
            StatusErrors(),
            new Ctl("alarm disarm") { IsSorted = true },
            new Ctl("alarm list"),
        ]),
    ];
}
