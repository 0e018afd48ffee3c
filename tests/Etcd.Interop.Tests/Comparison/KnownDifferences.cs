using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>Every difference in an answer between 3.5.16, which tests compare with, and 3.7.1, which is the contract.</summary>
internal static partial class KnownDifferences
{
    private const string Version = "api/version/version.go: Version";

    public static IReadOnlyList<KnownDifference> All { get; } =
    [
        new(
            "Range's invalid sort order",
            "Range { \"key\": \"aw==\", \"sortOrder\": 3 }",
            """
            header.clusterId = "14841639068965178418"
            header.memberId = "10276657743932975437"
            header.revision = "2"
            header.raftTerm = "2"
            kvs[0].key = "aw=="
            kvs[0].createRevision = "2"
            kvs[0].modRevision = "2"
            kvs[0].version = "1"
            kvs[0].value = "dg=="
            count = "1"
            """,
            "error: InvalidArgument: etcdserver: invalid sort option",
            "server/etcdserver/api/v3rpc/key.go: checkRangeRequest"),
        new(
            "Watch: start revision",
            "negative",
            """
            header.raftTerm = "2"
            created = true
            response:
            header.clusterId = "14841639068965178418"
            header.memberId = "10276657743932975437"
            header.revision = "8"
            header.raftTerm = "2"
            watchId = "1"
            created = true
            """,
            """
            header.raftTerm = "2"
            watchId = "-1"
            created = true
            canceled = true
            cancelReason = "etcdserver: mvcc: required revision has been compacted"
            response:
            header.clusterId = "14841639068965178418"
            header.memberId = "10276657743932975437"
            header.revision = "8"
            header.raftTerm = "2"
            created = true
            """,
            "server/etcdserver/api/v3rpc/watch.go: recvLoop"),
        new(
            "Watch: progress on request",
            "no progress before the first revision",
            "progress was told 1 times",
            "progress was told 0 times",
            "server/storage/mvcc/watchable_store.go: progressIfSync"),
        new(
            Scenarios.NoSpace,
            """Txn { "success": [ { "requestTxn": { "failure": [ { "requestPut": { "key": "bg==", "value": "MQ==" } } ] } } ] }""",
            """
            header.clusterId = "14841639068965178418"
            header.memberId = "10276657743932975437"
            header.revision = "4"
            header.raftTerm = "2"
            succeeded = true
            responses[0].responseTxn.succeeded = true
            """,
            "error: ResourceExhausted: etcdserver: mvcc: database space exceeded",
            "server/storage/quota.go: costTxnReq"),
        .. Users(),
        .. Downgrades(),
        new("endpoint", "endpoint status -w simple", Simple("3.5.16"), Simple("3.7.1"), Version),
        new("endpoint", "endpoint status -w json", Json("3.5.16"), Json("3.7.1"), Version),
        new("endpoint", "endpoint status -w json --hex", Json("3.5.16"), Json("3.7.1"), Version),
        new("endpoint", "endpoint status -w fields", "out: \"Version\" : \"3.5.16\"", "out: \"Version\" : \"3.7.1\"", Version),
        new("endpoint", "endpoint status -w table", Table("3.5.16"), Table("3.7.1"), Version),
        .. Enumerable.Range(0, 3).SelectMany(OfClusterMember),
        new(
            ClusterScenarios.ComeAndGo, "endpoint status -w fields at 3", "out: \"Version\" : \"3.5.16\"", "out: \"Version\" : \"3.7.1\"", Version),
        new(
            ClusterScenarios.ComeAndGo,
            "get a at 3",
            "err: error = \"rpc error: code = Unavailable desc = etcdserver: rpc not supported for learner\"",
            "err: error = \"rpc error: code = FailedPrecondition desc = etcdserver: rpc not supported for learner\"",
            "api/v3rpc/rpctypes/error.go: ErrGRPCNotSupportedForLearner"),
        new(ClusterScenarios.Moves, "endpoint status -w simple at 2", Led("3.5.16"), Led("3.7.1"), Version),
    ];

    /// <summary>Those that a program is to show: the reference has none from itself.</summary>
    public static IReadOnlyList<KnownDifference> Of(ServerProgram tested) => tested == ServerProgram.Real ? [] : All;

    private static IEnumerable<KnownDifference> Downgrades()
    {
        const string Told = "server/etcdserver/v3_server.go: downgradeValidate, downgradeCancel";
        string[] versions =
        [
            .. new[] { "3.4", "3.4.0", "3.4.99", "3.4.0-", "3.4.0-rc.1", "3.4.0+build", "03.04", "3.4.7" }.Select(v => $"Downgrade Validate \"{v}\""),
        ];
        IEnumerable<KnownDifference> spelled = versions.Select(step => new KnownDifference(
            CallScenarios.Downgrade, step, "version = \"3.5.0\"", "version = \"3.5\"", Told));

        // Without a downgrade 3.7 notes that there is none, and succeeds. 3.5 applies what goes through the log and answers nobody.
        const string TimedOut = "error: Unavailable: etcdserver: request timed out";
        const string Answered = "server/etcdserver/apply/uber_applier.go: dispatch";
        return
        [
            .. spelled,
            new(CallScenarios.Downgrade, "Downgrade Cancel \"\"", "error: FailedPrecondition: etcdserver: no inflight downgrade job", Success(1), Told),
            new(CallScenarios.Downgrade, "Downgrade Enable \"3.4.1\"", TimedOut, Success(1), Answered),
            new(CallScenarios.Downgrade, "Downgrade Cancel \"x\"", TimedOut, Success(2), Answered),
        ];

        static string Success(int revision) => $"""
            header.clusterId = "14841639068965178418"
            header.memberId = "10276657743932975437"
            header.revision = "{revision}"
            header.raftTerm = "2"
            version = "3.5"
            """;
    }

    private static IEnumerable<KnownDifference> OfClusterMember(int i)
    {
        string leads = i == 0 ? "true" : "false";
        string Line(string version) => $"out: <url-{i}>, <id-{i}>, {version}, <size>, {leads}, false, <raft>, <raft>, <raft>, ";
        string Row(string version) => $"out: | <url-{i}> | <id-{i}> | {version} | <size> | {leads} | false | <raft> | <raft> | <raft> | |";
        string Field(string version) => $"out: [{i}].Status.version = \"{version}\"";
        yield return new(ClusterScenarios.Itself, "endpoint status --cluster at 0", Line("3.5.16"), Line("3.7.1"), Version);
        yield return new(ClusterScenarios.Itself, "endpoint status --cluster -w table at 0", Row("3.5.16"), Row("3.7.1"), Version);
        yield return new(
            ClusterScenarios.Itself, "endpoint status --cluster -w fields at 0", "out: \"Version\" : \"3.5.16\"", "out: \"Version\" : \"3.7.1\"", Version);
        yield return new(ClusterScenarios.Itself, "endpoint status --cluster -w json at 0", Field("3.5.16"), Field("3.7.1"), Version);
    }

    private static string Led(string version) => $"out: <endpoint-2>, <id-2>, {version}, <size>, true, false, <raft>, <raft>, <raft>, ";

    private static string Simple(string version) => $"out: <endpoint>, 8e9e05c52164694d, {version}, <size>, true, false, 2, 5, 5, ";

    private static string Json(string version) => $"out: [0].Status.version = \"{version}\"";

    private static string Table(string version) => $"out: | <endpoint> | 8e9e05c52164694d | {version} | <size> | true | false | 2 | 5 | 5 | |";
}
