using Etcd.Server.Hosting.Upkeep;
using Etcd.Server.Node;
using Etcd.Server.Node.Compaction;
using Etcd.Server.Tests.Node;

namespace Etcd.Server.Tests.Upkeep;

/// <summary>
/// Goal: whoever leads compacts, nobody else does, and a new leader goes on where the old one was. Method: three members with
/// schedules of a minute on <see cref="TestCluster"/> and its fake clock.
/// </summary>
public sealed class AutoCompactorTests
{
    private readonly TestCluster _cluster = new(3);
    private readonly Dictionary<TestMember, (AutoCompactor Compactor, RecordingLog Log)> _compactors = [];

    public AutoCompactorTests()
    {
        _cluster.Elect();
        foreach (TestMember member in _cluster.Members.Values)
        {
            Begin(member);
        }
    }

    [Fact]
    public void TheLeaderCompactsForAll()
    {
        TestMember leader = _cluster.Leader!;
        Write(seconds: 61);
        Assert.All(_cluster.Members.Values, m => Assert.InRange(m.Store.CompactRevision, 1, 3));
        Write(seconds: 60);
        Assert.All(_cluster.Members.Values, m => Assert.InRange(m.Store.CompactRevision, 55, 65));
        Assert.Equal(
            ["starting auto periodic compaction", "completed auto periodic compaction", "starting auto periodic compaction", "completed auto periodic compaction"],
            _compactors[leader].Log.Messages);
        Assert.All(_compactors.Where(c => c.Key != leader), c => Assert.Empty(c.Value.Log.Messages));
    }

    [Fact]
    public void ANewLeaderNeedNotWaitForAWholePeriodAgain()
    {
        TestMember leader = _cluster.Leader!;
        Write(seconds: 50);
        leader.Crash();
        _compactors.Remove(leader);
        TestMember next = _cluster.Elect();
        Write(seconds: 15);
        Assert.NotEqual(leader, next);
        Assert.InRange(next.Store.CompactRevision, 1, 10);
        Assert.Contains("completed auto periodic compaction", _compactors[_cluster.Leader!].Log.Messages);
    }

    [Fact]
    public void WhatSomebodyElseHasCompactedCountsAsDone()
    {
        TestMember leader = _cluster.Leader!;
        Write(seconds: 30);
        Compact(leader, leader.Store.CurrentRevision);
        Write(seconds: 32);
        Assert.InRange(leader.Store.CompactRevision, 29, 33);
        Assert.Equal(["starting auto periodic compaction", "completed auto periodic compaction"], _compactors[leader].Log.Messages);
    }

    [Fact]
    public void ALeaderThatHasLostItsQuorumFailsAndSaysSo()
    {
        TestMember leader = _cluster.Leader!;
        Write(seconds: 59);
        _cluster.Isolate(leader);
        for (int i = 0; i < 300; i++)
        {
            _cluster.Tick();
            _compactors[leader].Compactor.Tick();
        }

        Assert.DoesNotContain("completed auto periodic compaction", _compactors[leader].Log.Messages);
        Assert.True(leader.Store.CompactRevision < 0);
    }

    private static void Compact(TestMember member, long revision) => member.Node.ProposeAsync(RaftCommand.Create(
        RaftCommandKind.Compaction,
        Google.Protobuf.MessageExtensions.ToByteArray(new Protocol.Etcdserverpb.CompactionRequest { Revision = revision })));

    private void Begin(TestMember member)
    {
        var log = new RecordingLog();
        var schedule = new PeriodicSchedule(TimeSpan.FromMinutes(1), _cluster.Clock);
        _compactors[member] = (new AutoCompactor(member.Node, member.Store, schedule, "periodic", _cluster.Clock, log), log);
    }

    /// <summary>A put a second.</summary>
    private void Write(int seconds)
    {
        for (int i = 0; i < seconds * 10; i++)
        {
            if (i % 10 == 0)
            {
                _cluster.Leader?.Put("a", $"{i}");
            }

            _cluster.Tick();
            foreach ((AutoCompactor compactor, _) in _compactors.Values)
            {
                compactor.Tick();
            }

            _cluster.Run();
        }
    }
}
