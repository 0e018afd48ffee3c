using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Node;
using Etcd.Server.Primitives;

namespace Etcd.Server.Tests.Node;

/// <summary>
/// Goal: a member whose quota is used up raises its alarm through the log, and all members then refuse what takes space; no alarm is
/// lost by a restart or a snapshot, and none comes back by it. Method: <see cref="TestCluster"/>; the stores take what the test says.
/// </summary>
public sealed class ClusterAlarmTests
{
    private const long Quota = 1000;

    [Fact]
    public void WhoseQuotaIsUsedUpRaisesItsAlarmAndAllRefuse()
    {
        var cluster = new TestCluster(3);
        Limit(cluster);
        TestMember leader = cluster.Elect();
        TestMember full = cluster.Members.Values.First(m => m != leader);
        Fill(full);

        // The proposer has room: it is told that all is well. The follower that has none raises its alarm.
        Task<ApplyOutcome> put = leader.Put("a", "1");
        cluster.Tick(2);
        Assert.True(put.IsCompletedSuccessfully);
        Assert.All(cluster.Members.Values, m => Assert.Equal("1", m.Get("a")));
        Assert.All(cluster.Members.Values, m => Assert.Equal([new RaisedAlarm(full.Id, AlarmKind.NoSpace)], m.Alarms.Raised));

        Task<ApplyOutcome> refused = leader.Put("a", "2");
        cluster.Tick(2);
        Assert.Same(EtcdErrors.NoSpace, Assert.IsType<EtcdErrorException>(refused.Exception?.GetBaseException()).Error);
        Assert.All(cluster.Members.Values, m => Assert.Equal("1", m.Get("a")));
    }

    [Fact]
    public void AClientThatIsToldOfItFindsTheAlarmRaisedAndItsPutApplied()
    {
        var cluster = new TestCluster(1);
        Limit(cluster);
        TestMember member = cluster.Elect();
        Fill(member);
        Task<ApplyOutcome> put = member.Put("a", "1");
        bool alarmFirst = false;
        put.ContinueWith(
            _ => alarmFirst = member.Alarms.Has(AlarmKind.NoSpace),
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        cluster.Tick(2);
        Assert.Same(EtcdErrors.NoSpace, Assert.IsType<EtcdErrorException>(put.Exception?.GetBaseException()).Error);
        Assert.True(alarmFirst);
        Assert.Equal("1", member.Get("a"));
    }

    [Fact]
    public void ManyThatAskAtOnceRaiseItOnce()
    {
        var cluster = new TestCluster(1);
        Limit(cluster);
        TestMember member = cluster.Elect();
        int told = 0;
        member.Node.QuotaExceeded = () => told++;
        LogIndex before = member.Node.Applied;
        Task[] raised = [member.Node.RaiseNoSpaceAsync(), member.Node.RaiseNoSpaceAsync(), member.Node.RaiseNoSpaceAsync()];
        cluster.Tick(2);
        Assert.All(raised, r => Assert.True(r.IsCompletedSuccessfully));
        Assert.Equal(before.Value + 1, member.Node.Applied.Value);
        Assert.Equal(1, told);
    }

    [Fact]
    public void AMemberThatStopsAnswersThoseWhoWaitForItsAlarm()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        cluster.Isolate(leader);
        Task raised = leader.Node.RaiseNoSpaceAsync();
        cluster.Run();
        Assert.False(raised.IsCompleted);
        leader.Node.Stop();
        cluster.Run();
        Assert.True(raised.IsCompletedSuccessfully);
    }

    /// <summary>As etcd 21636: after NOSPACE, alarm entries and refused puts are the log's end when a member restarts.</summary>
    [Fact]
    public void AfterARestartAlarmsAreWhatTheyWere()
    {
        var cluster = new TestCluster(1);
        Limit(cluster);
        TestMember member = cluster.Elect();
        Fill(member);
        member.Put("a", "1");
        cluster.Tick(2);
        member.Put("a", "2");
        cluster.Tick(2);
        LogIndex applied = member.Node.Applied;
        Restart(cluster, member);
        Assert.Equal([new RaisedAlarm(member.Id, AlarmKind.NoSpace)], member.Alarms.Raised);
        Assert.Equal("1", member.Get("a"));
        // Only its first entry as leader of another term is new.
        Assert.Equal(applied.Value + 1, member.Node.Applied.Value);
    }

    /// <summary>What was beyond the quota once is not held against it when the log is replayed.</summary>
    [Fact]
    public void AnAlarmThatWasLoweredDoesNotComeBackByTheReplay()
    {
        var cluster = new TestCluster(1);
        Limit(cluster);
        TestMember member = cluster.Elect();
        Fill(member);
        member.Put("a", "1");
        cluster.Tick(2);
        member.Node.ProposeAsync(RaftCommand.Create(
            RaftCommandKind.Alarm, AlarmCommands.Lower(new RaisedAlarm(member.Id, AlarmKind.NoSpace))));
        cluster.Tick(2);
        Assert.Empty(member.Alarms.Raised);

        Restart(cluster, member);
        Assert.Equal("1", member.Get("a"));
        Assert.Empty(member.Alarms.Raised);
        cluster.Tick(20);
        Assert.Empty(member.Alarms.Raised);
    }

    [Fact]
    public void AMemberThatGetsASnapshotKnowsTheAlarms()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        TestMember late = cluster.Members.Values.First(m => m != leader);
        late.Crash();
        var alarm = new RaisedAlarm(leader.Id, AlarmKind.Corrupt);
        for (int i = 0; i < 3 * TestCluster.CatchUpEntries; i++)
        {
            leader.Put($"k{i}");
            cluster.Tick();
        }

        leader.Node.ProposeAsync(RaftCommand.Create(RaftCommandKind.Alarm, AlarmCommands.Raise(alarm)));
        cluster.Tick(2);
        late.Boot();
        for (int i = 0; i < 100 && late.SnapshotsInstalled == 0; i++)
        {
            cluster.Tick();
        }

        cluster.Tick(5);
        Assert.Equal(1, late.SnapshotsInstalled);
        Assert.Equal([alarm], late.Alarms.Raised);
        Restart(cluster, late);
        Assert.Equal([alarm], late.Alarms.Raised);
    }

    private static void Limit(TestCluster cluster)
    {
        foreach (TestMember member in cluster.Members.Values)
        {
            member.QuotaBytes = Quota;
            Restart(cluster, member);
        }
    }

    private static void Restart(TestCluster cluster, TestMember member)
    {
        member.Crash();
        member.Boot();
        cluster.Elect();
        cluster.Tick(2);
    }

    private static void Fill(TestMember member)
    {
        member.Size.SizeBytes = Quota;
        member.Quota.Measure();
    }
}
