using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Membershippb;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Bolt;
using Etcd.Server.Primitives;
using Google.Protobuf;
using static Etcd.Protocol.Etcdserverpb.AlarmRequest.Types;

namespace Etcd.Server.Tests.Apply;

/// <summary>
/// Goal: alarms come and go as etcd's do, refuse what etcd's refuse with its errors, and are part of the state like everything else.
/// Method: commands straight into the state machine.
/// </summary>
public sealed class AlarmTests
{
    private const ulong Member = 5;

    private readonly StateBench _bench = new();

    public static TheoryData<string, InternalRaftRequest, bool, bool> Commands => new()
    {
        { "put", new() { Put = Put("a") }, true, true },
        { "delete", new() { DeleteRange = new() { Key = Utf8("a") } }, false, true },
        { "txn that puts", new() { Txn = new() { Success = { Op(Put("a")) } } }, true, true },
        { "txn that would put in the other branch", new() { Txn = new() { Failure = { Op(Put("a")) } } }, true, true },
        { "txn that puts in a nested one", new() { Txn = new() { Success = { new RequestOp { RequestTxn = new() { Failure = { Op(Put("a")) } } } } } }, true, true },
        { "txn that deletes", new() { Txn = new() { Success = { new RequestOp { RequestDeleteRange = new() { Key = Utf8("a") } } } } }, false, true },
        { "compaction", new() { Compaction = new() { Revision = 2 } }, false, true },
        { "grant", new() { LeaseGrant = new() { ID = 9, TTL = 60 } }, true, true },
        { "revoke", new() { LeaseRevoke = new() { ID = 7 } }, false, true },
        { "checkpoint", new() { LeaseCheckpoint = new() { Checkpoints = { new LeaseCheckpoint { ID = 7, RemainingTTL = 5 } } } }, false, false },
        { "alarm", new() { Alarm = new() }, false, false },
        { "version", new() { ClusterVersionSet = new ClusterVersionSetRequest { Ver = "3.7.0" } }, false, false },
        { "attributes", new() { ClusterMemberAttrSet = new ClusterMemberAttrSetRequest { MemberID = 5, MemberAttributes = new Attributes { Name = "m" } } }, false, false },
    };

    [Theory]
    [MemberData(nameof(Commands))]
    public void Without_space_what_takes_more_is_refused(string name, InternalRaftRequest command, bool takesSpace, bool changesData)
    {
        Assert.True(changesData || !takesSpace, name);
        Check(command, takesSpace ? EtcdErrors.NoSpace : null, AlarmKind.NoSpace);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void While_data_differ_all_changes_of_keys_and_leases_are_refused(string name, InternalRaftRequest command, bool takesSpace, bool changesData)
    {
        Assert.True(changesData || !takesSpace, name);
        Check(command, changesData ? EtcdErrors.Corrupt : null, AlarmKind.Corrupt);
        Check(command, changesData ? EtcdErrors.Corrupt : null, AlarmKind.Corrupt, AlarmKind.NoSpace);
    }

    [Fact]
    public void An_alarm_of_a_kind_that_nobody_knows_is_listed_and_refuses_nothing()
    {
        Alarm(AlarmAction.Activate, (AlarmType)7);
        Assert.Equal([new AlarmMember { MemberID = Member, Alarm = (AlarmType)7 }], Alarm(AlarmAction.Get, AlarmType.None, 0));
        Assert.Null(_bench.Apply(new() { Put = Put("a") })!.Error);
    }

    [Fact]
    public void Alarms_are_raised_listed_and_lowered_as_in_etcd()
    {
        var noSpace = new AlarmMember { MemberID = Member, Alarm = AlarmType.Nospace };
        var corrupt = new AlarmMember { MemberID = 0, Alarm = AlarmType.Corrupt };
        Assert.Empty(Alarm(AlarmAction.Get, AlarmType.None));
        Assert.Equal([noSpace], Alarm(AlarmAction.Activate, AlarmType.Nospace));
        Assert.Equal([noSpace], Alarm(AlarmAction.Activate, AlarmType.Nospace));
        Assert.Equal([corrupt], Alarm(AlarmAction.Activate, AlarmType.Corrupt, 0));
        Assert.Empty(Alarm(AlarmAction.Activate, AlarmType.None));
        Assert.Equal([noSpace, corrupt], Alarm(AlarmAction.Get, AlarmType.None));
        Assert.Equal([corrupt], Alarm(AlarmAction.Get, AlarmType.Corrupt));
        Assert.Empty(Alarm(AlarmAction.Deactivate, AlarmType.Corrupt));
        Assert.Empty(Alarm(AlarmAction.Deactivate, AlarmType.None, 0));
        Assert.Empty(Alarm((AlarmAction)9, AlarmType.Nospace));
        Assert.Equal([noSpace], Alarm(AlarmAction.Deactivate, AlarmType.Nospace));
        Assert.Empty(Alarm(AlarmAction.Deactivate, AlarmType.Nospace));
        Assert.Equal([corrupt], Alarm(AlarmAction.Get, AlarmType.None));
    }

    [Fact]
    public void Each_alarm_of_a_kind_must_be_lowered()
    {
        Alarm(AlarmAction.Activate, AlarmType.Nospace, 1);
        Alarm(AlarmAction.Activate, AlarmType.Nospace, 2);
        Alarm(AlarmAction.Deactivate, AlarmType.Nospace, 1);
        Assert.Same(EtcdErrors.NoSpace, _bench.Apply(new() { Put = Put("a") })!.Error);
        Alarm(AlarmAction.Deactivate, AlarmType.Nospace, 2);
        Assert.Null(_bench.Apply(new() { Put = Put("a") })!.Error);
    }

    [Fact]
    public void Snapshots_have_alarms_in_etcds_bytes()
    {
        Alarm(AlarmAction.Activate, AlarmType.Nospace);
        Alarm(AlarmAction.Activate, AlarmType.Corrupt, 0);
        Assert.Equal(["08051001", "1002"], Bucket(_bench.Export(), "alarm"));
        Alarm(AlarmAction.Deactivate, AlarmType.Nospace);
        Assert.Equal(["1002"], Bucket(_bench.Export(), "alarm"));
    }

    [Fact]
    public void An_installed_state_has_its_own_alarms_and_no_others()
    {
        byte[] quiet = new StateBench().Export();
        Alarm(AlarmAction.Activate, AlarmType.Nospace);
        byte[] alarmed = _bench.Export();

        var other = new StateBench();
        other.Install(alarmed);
        Assert.Equal([new RaisedAlarm(new MemberId(Member), AlarmKind.NoSpace)], other.Machine.Alarms.Raised);
        Assert.Same(EtcdErrors.NoSpace, other.Apply(new() { Put = Put("a") })!.Error);
        other.Install(quiet);
        Assert.Empty(other.Machine.Alarms.Raised);
        Assert.Null(other.Apply(new() { Put = Put("a") })!.Error);
    }

    /// <summary>
    /// etcd issues 13505, 13514, 13937 and 21636: entries that change no key, refused ones and alarms among them, must count as applied
    /// in the state itself, or a restart applies them again.
    /// </summary>
    [Fact]
    public void Every_kind_of_entry_advances_the_index_of_the_state()
    {
        _bench.Apply(new() { LeaseGrant = new() { ID = 7, TTL = 60 } });
        ulong index = 1;
        foreach (InternalRaftRequest command in new InternalRaftRequest[]
        {
            new() { Alarm = new AlarmRequest { Action = AlarmAction.Activate, MemberID = Member, Alarm = AlarmType.Nospace } },
            new() { Put = Put("refused") },
            new() { LeaseGrant = new() { ID = 8, TTL = 60 } },
            new() { LeaseRevoke = new() { ID = 1000 } },
            new() { Compaction = new() { Revision = 1000 } },
            new() { Alarm = new AlarmRequest { Action = AlarmAction.Get } },
            new() { Alarm = new AlarmRequest { Action = AlarmAction.Deactivate, MemberID = Member, Alarm = AlarmType.Nospace } },
        })
        {
            _bench.Apply(command);
            index++;
            Assert.Contains($"consistent_index={index:X16}", Meta(_bench.Export()));
        }
    }

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    private static PutRequest Put(string key) => new() { Key = Utf8(key), Value = Utf8("v") };

    private static RequestOp Op(PutRequest put) => new() { RequestPut = put };

    private static List<string> Bucket(byte[] file, string bucket)
    {
        var keys = new List<string>();
        BoltCursor cursor = new BoltReader(new MemoryStream(file)).Open(bucket)!;
        while (cursor.MoveNext())
        {
            Assert.True(cursor.Value.IsEmpty);
            keys.Add(Convert.ToHexString(cursor.Key));
        }

        return keys;
    }

    private static List<string> Meta(byte[] file)
    {
        var found = new List<string>();
        BoltCursor cursor = new BoltReader(new MemoryStream(file)).Open("meta")!;
        while (cursor.MoveNext())
            found.Add($"{System.Text.Encoding.ASCII.GetString(cursor.Key)}={Convert.ToHexString(cursor.Value)}");

        return found;
    }

    private IEnumerable<AlarmMember> Alarm(AlarmAction action, AlarmType type, ulong member = Member)
    {
        ApplyOutcome? outcome = _bench.Apply(new() { Alarm = new AlarmRequest { Action = action, Alarm = type, MemberID = member } });
        Assert.Null(outcome!.Error);
        return AlarmResponse.Parser.ParseFrom(outcome.Body.Span).Alarms;
    }

    /// <summary>On a state of its own: a refused command changes nothing of the keys and leases, and one that is let through works.</summary>
    private static void Check(InternalRaftRequest command, EtcdError? expected, params AlarmKind[] kinds)
    {
        var bench = new StateBench();
        bench.Apply(new() { LeaseGrant = new() { ID = 7, TTL = 60 } });
        bench.Put("a", "1");
        bench.Put("a", "2");
        foreach (AlarmKind kind in kinds)
            bench.Apply(new() { Alarm = new AlarmRequest { Action = AlarmAction.Activate, MemberID = 99, Alarm = (AlarmType)kind } });

        byte[] before = bench.Export();
        ApplyOutcome? outcome = bench.Apply(command);
        Assert.Same(expected, outcome!.Error);
        if (expected is not null)
        {
            Assert.False(outcome.IsBeyondQuota);
            foreach (string bucket in (string[])["key", "lease"])
                Assert.Equal(Content(before, bucket), Content(bench.Export(), bucket));
        }
    }

    private static List<string> Content(byte[] file, string bucket)
    {
        var content = new List<string>();
        BoltCursor cursor = new BoltReader(new MemoryStream(file)).Open(bucket)!;
        while (cursor.MoveNext())
            content.Add($"{Convert.ToHexString(cursor.Key)}={Convert.ToHexString(cursor.Value)}");

        return content;
    }
}
