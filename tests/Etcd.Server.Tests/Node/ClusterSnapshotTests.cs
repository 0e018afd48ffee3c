using System.Globalization;
using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Node;

/// <summary>
/// A member that is too far behind for the log gets the state as a whole. Method: a member is down while the others write more
/// than raft keeps; it comes back, on a disk that may fail at any operation, and in the end has what the others have.
/// </summary>
public sealed class ClusterSnapshotTests
{
    private const int Writes = 3 * TestCluster.CatchUpEntries;

    public static TheoryData<CrashKind> Kinds => [CrashKind.NothingUnsynced, CrashKind.EverythingUnsynced, CrashKind.Torn];

    [Fact]
    public void AMemberThatIsFarBehindCatchesUpBySnapshotAndGoesOnByTheLog()
    {
        var cluster = new TestCluster(3);
        TestMember late = LeaveBehind(cluster);
        late.Boot();
        Settle(cluster);
        Assert.Equal(1, late.SnapshotsInstalled);
        AssertEqual(cluster);
        cluster.Leader!.Put("after", "it");
        cluster.Tick(2);
        Assert.Equal(1, late.SnapshotsInstalled);
        Assert.Equal("it", late.Get("after"));
        Assert.Equal(3, late.State.Current.Members.Count);
    }

    [Fact]
    public void ARestartBeginsWithTheSnapshotAndEndsWithTheLog()
    {
        var cluster = new TestCluster(3);
        TestMember late = LeaveBehind(cluster);
        late.Boot();
        Settle(cluster);
        cluster.Leader!.Put("after", "it");
        cluster.Tick(2);
        LogIndex applied = late.Node.Applied;
        late.Crash();
        late.Boot();
        Assert.NotNull(late.Recovered.Log.Snapshot);
        Assert.True(late.Recovered.Log.Applied > new LogIndex(Writes / 2));
        Assert.Equal(2, late.Peers.Count);
        Settle(cluster);
        Assert.True(late.Node.Applied >= applied);
        Assert.Equal(1, late.SnapshotsInstalled);
        AssertEqual(cluster);
        Assert.Equal("it", late.Get("after"));
    }

    [Fact]
    public void ASnapshotGoesWhenACheckpointHoldsWhatItBrought()
    {
        var cluster = new TestCluster(3);
        for (int round = 0; round < 3; round++)
        {
            TestMember late = LeaveBehind(cluster, cluster[3]);
            late.Boot();
            Settle(cluster);
            Assert.Equal(round + 1, late.SnapshotsInstalled);
            // Where it stands is known when it is installed, so the checkpoint follows at once.
            Assert.Empty(late.Disk.List("/member/snap"));
        }
    }

    [Fact]
    public void ASnapshotThatIsLostIsSentAgain()
    {
        var cluster = new TestCluster(3);
        TestMember late = LeaveBehind(cluster);
        late.Boot();
        cluster.Cut(cluster.Leader!, late);
        cluster.Tick(5);
        cluster.Heal();
        Settle(cluster);
        AssertEqual(cluster);
    }

    [Fact]
    public void ANewMemberOfAnOldClusterGetsASnapshot()
    {
        var cluster = new TestCluster(3);
        LeaveBehind(cluster).Boot();
        Settle(cluster);
        _ = cluster.Leader!.Node.ProposeConfChangeAsync(ConfChangeCommand.Add(TestCluster.NewMember(4, isLearner: true)));
        cluster.Run();
        TestMember joined = cluster.Join(TestCluster.NewMember(4, isLearner: true));
        Settle(cluster);
        Assert.Equal(1, joined.SnapshotsInstalled);
        AssertEqual(cluster);
        Assert.Equal(4, joined.State.Current.Members.Count);
        joined.Crash();
        joined.Boot();
        Settle(cluster);
        AssertEqual(cluster);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ACrashAtAnyOperationOfAnInstallRedoesOrForgetsIt(CrashKind kind)
    {
        bool crashed = true;
        int operation = 0;
        for (; crashed; operation++)
        {
            Assert.True(operation < 500, "an install ends");
            var cluster = new TestCluster(3);
            TestMember late = LeaveBehind(cluster);
            late.Disk = late.Disk.Crash(kind, new SimDiskOptions { Seed = operation, CrashAtOperation = operation + 1 });
            crashed = !Lives(cluster, late);
            if (!crashed)
            {
                break;
            }

            late.Crash(kind);
            late.Boot();
            Settle(cluster);
            AssertEqual(cluster);
            late.Crash(kind);
            late.Boot();
            Settle(cluster);
            AssertEqual(cluster);
        }

        Assert.True(operation > 20, $"only {operation} operations were seen");
    }

    private static bool Lives(TestCluster cluster, TestMember late)
    {
        try
        {
            late.Boot();
            Settle(cluster, 10);
        }
        catch (SimulatedCrashException)
        {
            return false;
        }

        return late.IsUp;
    }

    private static TestMember LeaveBehind(TestCluster cluster, TestMember? late = null)
    {
        TestMember leader = cluster.Elect();
        if (late == leader)
        {
            _ = leader.Node.TransferLeadershipAsync(cluster[1].Id, TimeSpan.FromSeconds(7));
            cluster.Tick(5);
            leader = cluster.Elect();
        }

        late ??= cluster.Members.Values.Last(m => m != leader);
        late.Crash();
        for (int i = 0; i < Writes; i++)
        {
            Task<ApplyOutcome> put = leader.Put("k" + (i % 7).ToString(CultureInfo.InvariantCulture), $"{i} at {leader.Node.Committed}");
            cluster.Run();
            Assert.True(put.IsCompletedSuccessfully);
        }

        cluster.Tick(2);
        return late;
    }

    private static void Settle(TestCluster cluster, int ticks = 15)
    {
        cluster.Tick(ticks);
        cluster.Run();
    }

    private static void AssertEqual(TestCluster cluster)
    {
        TestMember leader = cluster.Leader!;
        foreach (TestMember member in cluster.Members.Values)
        {
            Assert.Equal(leader.Node.Applied, member.Node.Applied);
            Assert.Equal(leader.Store.CurrentRevision, member.Store.CurrentRevision);
            for (int key = 0; key < 7; key++)
            {
                string name = "k" + key.ToString(CultureInfo.InvariantCulture);
                Assert.Equal(leader.Get(name), member.Get(name));
            }
        }
    }
}
