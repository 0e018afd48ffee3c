using System.Buffers.Binary;
using System.Text;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.TestKit.Disk;
using Google.Protobuf;
using AlarmAction = Etcd.Protocol.Etcdserverpb.AlarmRequest.Types.AlarmAction;

namespace Etcd.Server.Tests.Node;

/// <summary>
/// Consistency bugs that etcd has had in its storage (docs/regressions.md), on whole members with stores on simulated disks: the index that
/// is durable is that of the data beside it, whatever the entries were.
/// </summary>
public sealed class StoreLedgerTests
{
    /// <summary>
    /// etcd #13505, #13514, #13922, #13937: entries that changed no key, or were refused, did not advance the index that was saved with the
    /// data, so a restart applied them, or others, twice. Each kind of entry is the last one of a checkpoint here, and the power fails.
    /// </summary>
    [Theory]
    [InlineData("put")]
    [InlineData("refused put")]
    [InlineData("empty delete")]
    [InlineData("failed txn")]
    [InlineData("grant")]
    [InlineData("revoke of nothing")]
    [InlineData("compaction")]
    [InlineData("refused compaction")]
    [InlineData("alarm")]
    [InlineData("alarm list")]
    [InlineData("member")]
    [InlineData("refused member")]
    [InlineData("cluster version")]
    public void TheIndexOfACheckpointIsThatOfItsDataAfterAnyKindOfEntry(string kind)
    {
        var cluster = new TestCluster(1);
        TestMember member = cluster.Elect();
        for (int i = 0; i < 5; i++)
        {
            member.Put($"k{i}");
            cluster.Run();
        }

        // As many of them as make a checkpoint due: whichever is the last, it is of this kind.
        for (int i = 0; i < 2 * TestCluster.CheckpointEntries; i++)
        {
            Propose(member, kind, i);
            cluster.Run();
        }

        member.Store.HashKv(0, out HistoryHash expected, out long revision);
        LogIndex applied = member.Node.Applied;
        member.Crash(CrashKind.NothingUnsynced);
        member.Boot();
        ulong checkpointed = member.Recovered.Store.Mark!.Value.Index.Value;
        Assert.True(checkpointed > 5 && checkpointed <= applied.Value);
        Assert.Equal(checkpointed, ConsistentIndex(member));
        cluster.Elect();
        // One more: the first entry of the new term.
        Assert.Equal(applied.Value + 1, member.Node.Applied.Value);
        member.Store.HashKv(0, out HistoryHash hash, out long after);
        Assert.Equal((revision, expected.Hash), (after, hash.Hash));
    }

    /// <summary>
    /// etcd #21636: after NOSPACE the entries of alarms moved the applied index and not the one that is saved with the data. The member
    /// restarts on a checkpoint that ends with such entries, and one that joins gets it as a snapshot.
    /// </summary>
    [Fact]
    public void AfterNoSpaceTheIndexOfTheDataIsThatOfTheEntries()
    {
        var cluster = new TestCluster(1);
        TestMember member = cluster.Elect();
        member.Put("k", "v");
        Propose(member, "alarm", 0);
        cluster.Run();
        for (int i = 0; i < 3 * TestCluster.CatchUpEntries; i++)
        {
            Propose(member, i % 3 == 0 ? "alarm list" : "refused put", i);
            cluster.Run();
        }

        LogIndex applied = member.Node.Applied;
        member.Crash();
        member.Boot();
        Assert.Equal(member.Recovered.Store.Mark!.Value.Index.Value, ConsistentIndex(member));
        cluster.Elect();
        Assert.Equal(applied.Value + 1, member.Node.Applied.Value);
        Assert.Equal([new RaisedAlarm(member.Id, AlarmKind.NoSpace)], member.Alarms.Raised);

        _ = member.Node.ProposeConfChangeAsync(ConfChangeCommand.Add(TestCluster.NewMember(2, isLearner: true)));
        cluster.Tick(2);
        TestMember joined = cluster.Join(TestCluster.NewMember(2, isLearner: true));
        cluster.Tick(20);
        Assert.Equal(1, joined.SnapshotsInstalled);
        Assert.Equal(member.Node.Applied, joined.Node.Applied);
        Assert.Equal(member.Alarms.Raised, joined.Alarms.Raised);
        Assert.Equal(member.Store.CurrentRevision, joined.Store.CurrentRevision);
        joined.Crash();
        joined.Boot();
        cluster.Tick(5);
        Assert.Equal(member.Node.Applied, joined.Node.Applied);
        Assert.Equal("v", joined.Get("k"));
    }

    private static void Propose(TestMember member, string kind, int number)
    {
        _ = kind switch
        {
            "put" => member.Put($"more{number}"),
            "refused put" => member.Put("never", lease: 1000),
            "empty delete" => Send(member, RaftCommandKind.DeleteRange, new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("nothing") }),
            "failed txn" => Send(member, RaftCommandKind.Txn, new TxnRequest
            {
                Compare = { new Compare { Key = ByteString.CopyFromUtf8("k1"), Target = Compare.Types.CompareTarget.Version, Version = 99 } },
                Success = { new RequestOp { RequestPut = new PutRequest { Key = ByteString.CopyFromUtf8("never") } } },
            }),
            "grant" => member.Grant(number + 1, ttl: 1000),
            "revoke of nothing" => Send(member, RaftCommandKind.LeaseRevoke, new LeaseRevokeRequest { ID = 1000 }),
            "compaction" when number < 4 => Send(member, RaftCommandKind.Compaction, new CompactionRequest { Revision = number + 2 }),
            "compaction" or "refused compaction" => Send(member, RaftCommandKind.Compaction, new CompactionRequest { Revision = 1000 }),
            "alarm" => Send(member, RaftCommandKind.Alarm, new AlarmRequest
            {
                Action = number % 2 == 0 ? AlarmAction.Activate : AlarmAction.Deactivate,
                MemberID = member.Id.Value,
                Alarm = AlarmType.Nospace,
            }),
            "alarm list" => Send(member, RaftCommandKind.Alarm, new AlarmRequest { Action = AlarmAction.Get }),
            "member" => member.Node.ProposeConfChangeAsync(number % 2 == 0
                ? ConfChangeCommand.Add(TestCluster.NewMember((ulong)(number + 2), isLearner: true))
                : ConfChangeCommand.Remove(new MemberId((ulong)(number + 1)))),
            "refused member" => member.Node.ProposeConfChangeAsync(ConfChangeCommand.Remove(new MemberId(77))),
            "cluster version" => Send(member, RaftCommandKind.ClusterVersionSet, new Protocol.Membershippb.ClusterVersionSetRequest { Ver = "3.7.0" }),
            _ => throw new ArgumentException(kind),
        };
    }

    private static Task<ApplyOutcome> Send(TestMember member, RaftCommandKind kind, IMessage command) =>
        member.Node.ProposeAsync(RaftCommand.Create(kind, command.ToByteArray()));

    private static ulong ConsistentIndex(TestMember member) => BinaryPrimitives.ReadUInt64BigEndian(
        member.Recovered.Store.Meta.Single(m => m.Bucket == "meta" && Encoding.ASCII.GetString(m.Key) == "consistent_index").Value);
}
