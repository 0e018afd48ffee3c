using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Tests.Node;

/// <summary>
/// Members together: elections, replication, forwarding, reads, changes of the membership, and what a client hears when that
/// does not work. Method: <see cref="TestCluster"/>, step by step; what is expected of every member is what the leader
/// acknowledged.
/// </summary>
public sealed class ClusterTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AWriteToAnyMemberIsOnAllOfThem(int members)
    {
        var cluster = new TestCluster(members);
        cluster.Elect();
        foreach (TestMember member in cluster.Members.Values)
        {
            Task<ApplyOutcome> put = member.Put("from", member.Id.ToString());
            cluster.Run();
            Assert.True(put.IsCompletedSuccessfully);
            cluster.Tick();
            Assert.All(cluster.Members.Values, m => Assert.Equal(member.Id.ToString(), m.Get("from")));
        }

        Assert.All(cluster.Members.Values, m => Assert.Equal(members, m.State.Current.Members.Count));
        Assert.All(cluster.Members.Values, m => Assert.Equal(members - 1, m.Peers.Count));
    }

    [Fact]
    public void AWriteThatWasAcknowledgedOutlivesTheLeader()
    {
        var cluster = new TestCluster(3);
        for (int round = 0; round < 6; round++)
        {
            TestMember leader = cluster.Elect();
            Task<ApplyOutcome> put = leader.Put("k", round.ToString(System.Globalization.CultureInfo.InvariantCulture));
            cluster.Run();
            Assert.True(put.IsCompletedSuccessfully);
            leader.Crash();
            TestMember next = cluster.Elect();
            Assert.NotEqual(leader, next);
            cluster.Tick(2);
            Assert.Equal(round.ToString(System.Globalization.CultureInfo.InvariantCulture), next.Get("k"));
            leader.Boot();
            cluster.Tick(5);
            Assert.Equal(next.Get("k"), leader.Get("k"));
        }
    }

    [Fact]
    public void AReadOnAnyMemberSeesWhatWasAcknowledgedBeforeItBegan()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        foreach (TestMember reader in cluster.Members.Values)
        {
            TestMember other = cluster.Members.Values.First(m => m != reader && m != leader);
            cluster.Cut(leader, other);
            _ = leader.Put("k", "for " + reader.Id);
            cluster.Run();
            Task read = reader.Node.LinearizeAsync(Token).AsTask();
            Assert.False(read.IsCompleted);
            cluster.Run();
            Assert.True(read.IsCompletedSuccessfully);
            Assert.Equal("for " + reader.Id, reader.Get("k"));
            cluster.Heal();
            cluster.Tick(3);
        }
    }

    [Fact]
    public void ReadsThatWaitShareAQuestionAndLaterOnesTheNext()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        TestMember follower = cluster.Members.Values.First(m => m != leader);
        int questions = 0;
        cluster.Drops = (_, m) =>
        {
            questions += m.Type == MessageType.ReadIndex ? 1 : 0;
            return false;
        };
        Task first = follower.Node.LinearizeAsync(Token).AsTask();
        List<Task> later = [.. Enumerable.Range(0, 50).Select(_ => follower.Node.LinearizeAsync(Token).AsTask())];
        cluster.Run();
        Assert.True(first.IsCompletedSuccessfully);
        Assert.All(later, t => Assert.True(t.IsCompletedSuccessfully));
        Assert.Equal(2, questions);
    }

    [Fact]
    public async Task AReadWhoseLeaderIsGoneIsToldSo()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        TestMember follower = cluster.Members.Values.First(m => m != leader);
        cluster.Isolate(leader);
        Task read = follower.Node.LinearizeAsync(Token).AsTask();
        cluster.Run();
        Assert.False(read.IsCompleted);
        TestMember next = ElectAmong(cluster, leader);
        Assert.NotEqual(leader, next);
        Assert.Equal(EtcdErrors.LeaderChanged, (await Assert.ThrowsAsync<EtcdErrorException>(() => read)).Error);
    }

    [Fact]
    public async Task AReadOfAMemberThatIsCutOffTimesOut()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        cluster.Isolate(leader);
        Task read = leader.Node.LinearizeAsync(Token).AsTask();
        cluster.Tick(80);
        Assert.Equal(EtcdErrors.Timeout, (await Assert.ThrowsAsync<EtcdErrorException>(() => read)).Error);
    }

    [Fact]
    public void AReadWithoutALeaderWaitsForOne()
    {
        var cluster = new TestCluster(3);
        Task read = cluster[1].Node.LinearizeAsync(Token).AsTask();
        cluster.Run();
        Assert.False(read.IsCompleted);
        cluster.Elect();
        cluster.Tick();
        Assert.True(read.IsCompletedSuccessfully);
    }

    [Fact]
    public void AReadWhoseAnswerIsLostIsAskedAgain()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        TestMember follower = cluster.Members.Values.First(m => m != leader);
        cluster.Drops = (_, m) => m.Type == MessageType.ReadIndexResp;
        Task read = follower.Node.LinearizeAsync(Token).AsTask();
        cluster.Tick(2);
        Assert.False(read.IsCompleted);
        cluster.Drops = static (_, _) => false;
        cluster.Tick(4);
        Assert.True(read.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task ACancelledReadIsGoneAndHoldsUpNobody()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        TestMember follower = cluster.Members.Values.First(m => m != leader);
        using var stop = new CancellationTokenSource();
        Task gone = follower.Node.LinearizeAsync(stop.Token).AsTask();
        Task stays = follower.Node.LinearizeAsync(Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        cluster.Run();
        Assert.True(stays.IsCompletedSuccessfully);
    }

    [Fact]
    public void WritesDuringAnElectionWaitForIt()
    {
        var cluster = new TestCluster(3);
        Task<ApplyOutcome> put = cluster[2].Put("k");
        cluster.Run();
        Assert.False(put.IsCompleted);
        cluster.Elect();
        cluster.Tick();
        Assert.True(put.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task AWriteThatTimedOutBeforeItWasProposedNeverEntersTheLog()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        foreach (TestMember other in cluster.Members.Values.Where(m => m != leader))
        {
            other.Crash();
        }

        // The leader finds out that it has no quorum, and steps down.
        cluster.Tick(25);
        Assert.Equal(MemberId.None, leader.Node.Leader);
        Task<ApplyOutcome> put = leader.Put("lost");
        cluster.Tick(80);
        Assert.Equal(EtcdErrors.Timeout, (await Assert.ThrowsAsync<EtcdErrorException>(() => put)).Error);
        foreach (TestMember other in cluster.Members.Values.Where(m => m != leader))
        {
            other.Boot();
        }

        cluster.Elect();
        cluster.Tick(5);
        Assert.All(cluster.Members.Values, m => Assert.Null(m.Get("lost")));
    }

    [Fact]
    public async Task ATimeoutSaysWhatMayHaveBeenItsCause()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        TestMember follower = cluster.Members.Values.First(m => m != leader);
        cluster.Tick(30);
        cluster.Drops = (_, m) => m.Type == MessageType.Prop;
        Task<ApplyOutcome> lost = follower.Put("k");
        cluster.Tick(80);
        Assert.Equal(EtcdErrors.Timeout, (await Assert.ThrowsAsync<EtcdErrorException>(() => lost)).Error);

        cluster.Drops = static (_, _) => false;
        Task<ApplyOutcome> during = follower.Put("k");
        cluster.Drops = (_, m) => m.Type is MessageType.Prop or MessageType.App;
        cluster.Run();
        leader.Crash();
        ElectAmong(cluster, leader);
        cluster.Tick(80);
        Assert.Equal(EtcdErrors.TimeoutDueToLeaderFail, (await Assert.ThrowsAsync<EtcdErrorException>(() => during)).Error);
    }

    [Fact]
    public async Task TheLeadershipGoesWhereItIsSent()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        TestMember target = cluster.Members.Values.First(m => m != leader);
        TestMember asked = cluster.Members.Values.Last(m => m != leader);
        Task moved = asked.Node.TransferLeadershipAsync(target.Id, TimeSpan.FromSeconds(7));
        cluster.Tick(3);
        Assert.True(moved.IsCompletedSuccessfully);
        Assert.Equal(target, cluster.Leader);
        Assert.Equal(
            EtcdErrors.BadLeaderTransferee,
            (await Assert.ThrowsAsync<EtcdErrorException>(() => asked.Node.TransferLeadershipAsync(new MemberId(9), TimeSpan.FromSeconds(7)))).Error);
        leader.Crash();
        Task late = target.Node.TransferLeadershipAsync(leader.Id, TimeSpan.FromSeconds(1));
        cluster.Tick(20);
        Assert.Equal(EtcdErrors.TimeoutLeaderTransfer, (await Assert.ThrowsAsync<EtcdErrorException>(() => late)).Error);
    }

    [Fact]
    public void WritesDuringATransferAreTakenAfterIt()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        TestMember target = cluster.Members.Values.First(m => m != leader);
        cluster.Drops = (_, m) => m.Type == MessageType.TimeoutNow;
        _ = leader.Node.TransferLeadershipAsync(target.Id, TimeSpan.FromSeconds(7));
        cluster.Run();
        Task<ApplyOutcome> put = leader.Put("k");
        cluster.Run();
        Assert.False(put.IsCompleted);
        cluster.Drops = static (_, _) => false;
        cluster.Tick(20);
        Assert.True(put.IsCompletedSuccessfully);
        Assert.All(cluster.Members.Values, m => Assert.Equal("v", m.Get("k")));
    }

    [Fact]
    public void AHandOverIsTakenBackByOneToTheLeader()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        TestMember target = cluster.Members.Values.First(m => m != leader);
        cluster.Drops = (_, m) => m.Type == MessageType.TimeoutNow;
        _ = leader.Node.TransferLeadershipAsync(target.Id, TimeSpan.FromSeconds(7));
        cluster.Run();
        Task<ApplyOutcome> put = leader.Put("k");
        cluster.Run();
        Assert.False(put.IsCompleted);
        Task stays = leader.Node.TransferLeadershipAsync(leader.Id, TimeSpan.FromSeconds(7));
        cluster.Run();
        Assert.True(stays.IsCompletedSuccessfully && put.IsCompletedSuccessfully);
        Assert.Equal(leader, cluster.Leader);
    }

    [Fact]
    public async Task AMemberIsAddedAsALearnerPromotedAndRemoved()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        _ = leader.Put("k");
        Task<ApplyOutcome> add = leader.Node.ProposeConfChangeAsync(ConfChangeCommand.Add(TestCluster.NewMember(4, isLearner: true)));
        cluster.Run();
        Assert.True(add.IsCompletedSuccessfully);
        TestMember joined = cluster.Join(TestCluster.NewMember(4));
        cluster.Tick(10);
        Assert.Equal("v", joined.Get("k"));
        Assert.Equal(3, joined.Peers.Count);
        MemberProgress progress = Assert.Single(await ProgressOf(cluster, leader), p => p.Member == joined.Id);
        Assert.True(progress.IsLearner);
        Assert.Equal(leader.Node.Committed, progress.Match);

        Task<ApplyOutcome> promote = joined.Node.ProposeConfChangeAsync(ConfChangeCommand.Promote(joined.State.Current.Find(joined.Id)!));
        cluster.Tick(2);
        Assert.True(promote.IsCompletedSuccessfully);
        Assert.All(cluster.Members.Values, m => Assert.False(m.State.Current.Find(joined.Id)!.IsLearner));

        TestMember gone = cluster.Members.Values.First(m => m != leader && m != joined);
        Task<ApplyOutcome> remove = leader.Node.ProposeConfChangeAsync(ConfChangeCommand.Remove(gone.Id));
        cluster.Tick(2);
        Assert.True(remove.IsCompletedSuccessfully);
        Assert.True(gone.Node.Removed.IsCompletedSuccessfully);
        Assert.All(cluster.Members.Values.Where(m => m != gone), m => Assert.Equal(2, m.Peers.Count));
        Assert.All(cluster.Members.Values.Where(m => m != gone), m => Assert.False(m.Node.Removed.IsCompleted));
    }

    [Fact]
    public void TheLastOfTwoLearnsByAnElectionWhatTheRemovedLeaderCouldNotTell()
    {
        var cluster = new TestCluster(2);
        TestMember leader = cluster.Elect();
        cluster.Tick();
        TestMember last = cluster.Members.Values.Single(m => m != leader);
        LogIndex before = leader.Node.Committed;
        Task<ApplyOutcome> remove = leader.Node.ProposeConfChangeAsync(ConfChangeCommand.Remove(leader.Id));
        cluster.Drops = (from, message) => from == leader.Id && message.Commit > before;
        cluster.Run();
        Assert.True(remove.IsCompletedSuccessfully);
        Assert.Empty(last.State.Current.Removed);

        // It is lost once and for all: the removed one leads no more. But it votes.
        cluster.Drops = static (_, _) => false;
        cluster.Tick(4 * 2 * 10);
        Assert.Equal([leader.Id], last.State.Current.Removed);
        Task<ApplyOutcome> put = last.Put("k");
        cluster.Tick(2);
        Assert.True(put.IsCompletedSuccessfully);
    }

    [Fact]
    public void ALeaderThatIsRemovedGivesWay()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        Task<ApplyOutcome> remove = leader.Node.ProposeConfChangeAsync(ConfChangeCommand.Remove(leader.Id));
        cluster.Run();
        Assert.True(remove.IsCompletedSuccessfully);
        Assert.True(leader.Node.Removed.IsCompletedSuccessfully);
        TestMember next = ElectAmong(cluster, leader);
        Task<ApplyOutcome> put = next.Put("k");
        cluster.Tick(2);
        Assert.True(put.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task AChangeThatIsNotPossibleIsRefusedByEveryMemberAlike()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        Etcd.Server.Membership.Member known = leader.State.Current.Find(cluster[2].Id)!;
        await Refused(cluster, ConfChangeCommand.Add(known), EtcdErrors.MemberExists);
        await Refused(cluster, ConfChangeCommand.Add(TestCluster.NewMember(8) with { PeerUrls = known.PeerUrls }), EtcdErrors.PeerUrlExists);
        await Refused(cluster, ConfChangeCommand.Promote(TestCluster.NewMember(8)), EtcdErrors.MemberNotFound);
        await Refused(cluster, ConfChangeCommand.Promote(known), EtcdErrors.MemberNotLearner);
        await Refused(cluster, ConfChangeCommand.Remove(new MemberId(8)), EtcdErrors.MemberNotFound);
        await Refused(cluster, ConfChangeCommand.Update(TestCluster.NewMember(8)), EtcdErrors.MemberNotFound);
        await Refused(
            cluster, ConfChangeCommand.Update(known with { PeerUrls = leader.State.Current.Find(cluster[3].Id)!.PeerUrls }), EtcdErrors.PeerUrlExists);
        Accepted(cluster, ConfChangeCommand.Add(TestCluster.NewMember(5, isLearner: true)));
        await Refused(cluster, ConfChangeCommand.Add(TestCluster.NewMember(6, isLearner: true)), EtcdErrors.TooManyLearners);
        Accepted(cluster, ConfChangeCommand.Remove(new MemberId(5)));
        await Refused(cluster, ConfChangeCommand.Add(TestCluster.NewMember(5, isLearner: true)), EtcdErrors.MemberIdRemoved);
        Accepted(cluster, ConfChangeCommand.Update(known with { PeerUrls = ["http://elsewhere:2380"] }));
        cluster.Tick(2);
        Assert.All(cluster.Members.Values, m => Assert.Equal(["http://elsewhere:2380"], m.State.Current.Find(known.Id)!.PeerUrls));
        Assert.All(cluster.Members.Values, m => Assert.Equal(3, m.State.Current.Members.Count));
    }

    /// <summary>Raft takes one change at a time; the others wait in the node instead of coming to nothing (etcd issue 15528).</summary>
    [Fact]
    public void ChangesOneAfterTheOtherAllComeToSomething()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        List<Task<ApplyOutcome>> changes = [];
        for (ulong id = 10; id < 14; id++)
        {
            changes.Add(leader.Node.ProposeConfChangeAsync(ConfChangeCommand.Add(TestCluster.NewMember(id, isLearner: true))));
            changes.Add(leader.Node.ProposeConfChangeAsync(ConfChangeCommand.Remove(new MemberId(id))));
        }

        cluster.Run();
        Assert.All(changes, c => Assert.True(c.IsCompletedSuccessfully));
        Assert.Equal(4, leader.State.Current.Removed.Count);
    }

    [Fact]
    public async Task AStopTellsEveryoneWhoWaits()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        cluster.Isolate(leader);
        List<Task> waiting =
        [
            leader.Put("k"), leader.Node.LinearizeAsync(Token).AsTask(), leader.Node.LinearizeAsync(Token).AsTask(),
            leader.Node.TransferLeadershipAsync(cluster.Members.Values.First(m => m != leader).Id, TimeSpan.FromSeconds(7)),
            leader.Node.ProposeConfChangeAsync(ConfChangeCommand.Remove(new MemberId(9))), leader.Node.WhenApplied(new LogIndex(999)),
        ];
        cluster.Run();
        Assert.All(waiting, t => Assert.False(t.IsCompleted));
        leader.Node.Stop();
        leader.Step();
        waiting.Add(leader.Node.LinearizeAsync(Token).AsTask());
        waiting.Add(leader.Node.ProgressAsync());
        foreach (Task task in waiting)
        {
            Assert.Equal(EtcdErrors.Stopped, (await Assert.ThrowsAsync<EtcdErrorException>(() => task)).Error);
        }
    }

    private static TestMember ElectAmong(TestCluster cluster, TestMember without)
    {
        for (int i = 0; i < 200; i++)
        {
            cluster.Tick();
            if (cluster.Running.FirstOrDefault(m => m != without && m.Node.LeadsIn != default) is { } leader)
            {
                cluster.Tick();
                return leader;
            }
        }

        throw new InvalidOperationException("no leader in 20 seconds");
    }

    private static async Task<IReadOnlyList<MemberProgress>> ProgressOf(TestCluster cluster, TestMember member)
    {
        Task<IReadOnlyList<MemberProgress>> asked = member.Node.ProgressAsync();
        cluster.Run();
        Assert.True(asked.IsCompleted);
        return await asked;
    }

    private static void Accepted(TestCluster cluster, ConfChangeCommand change)
    {
        Task<ApplyOutcome> asked = cluster.Leader!.Node.ProposeConfChangeAsync(change);
        cluster.Run();
        Assert.True(asked.IsCompletedSuccessfully);
    }

    private static async Task Refused(TestCluster cluster, ConfChangeCommand change, EtcdError error)
    {
        Task<ApplyOutcome> asked = cluster.Members.Values.First(m => m != cluster.Leader).Node.ProposeConfChangeAsync(change);
        cluster.Tick();
        Assert.Equal(error, (await Assert.ThrowsAsync<EtcdErrorException>(() => asked)).Error);
    }
}
