using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Leases;
using Etcd.Server.Api.Watches;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Members;
using Etcd.Server.Lease;
using Etcd.Server.Primitives;
using Etcd.Server.Watch;
using Google.Protobuf;
using Grpc.Core;
using LeaseStatus = Etcd.Server.Lease.LeaseStatus;

namespace Etcd.Server.Tests.Members;

/// <summary>
/// Goal: members that were started from flags are one cluster: each serves, one that ends is missed by nobody, members come and go.
/// Method: whole members in this process over loopback; what must come is waited for with a deadline.
/// </summary>
[Collection(nameof(ClusterTests))]
public sealed class ClusterTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EachMemberServesAndOneThatIsKilledCatchesUp()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(3);
        foreach (RunningMember member in cluster.Running.Values)
        {
            await member.PutAsync(member.Name, "first");
        }

        foreach (RunningMember member in cluster.Running.Values)
        {
            Assert.Equal("first", await member.GetAsync("m1"));
            Assert.Equal("first", await member.GetAsync("m3"));
            Assert.Equal(["m1", "m2", "m3"], member.Member.Members.Select(m => m.Name).Order());
            await InProcessCluster.UntilAsync("an agreed version", () => member.Member.ClusterVersion == EtcdVersion.Cluster);
        }

        RunningMember leader = await cluster.WaitForLeaderAsync();
        await cluster.KillAsync(leader.Name);
        RunningMember other = cluster.Running.Values.First();
        await other.PutAsync("m1", "second");
        Assert.NotEqual(leader.Member.MemberId, other.Member.Leader);

        RunningMember back = await cluster.StartAsync(leader.Name);
        await back.StartedAsync();
        Assert.Equal("second", await back.GetAsync("m1"));
        Assert.Equal(leader.Member.MemberId, back.Member.MemberId);
        await InProcessCluster.UntilAsync("the same applied index", () =>
            cluster.Running.Values.Select(m => m.Member.Applied).Distinct().Count() == 1);
        Assert.Single(await HashesAsync(cluster));
    }

    [Fact]
    public async Task AMemberComesAsALearnerIsPromotedAndGoesForGood()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(3);
        RunningMember follower = await cluster.WaitForFollowerAsync();
        // Nobody can join a cluster that has not agreed on a version yet.
        await InProcessCluster.UntilAsync("a version", () => cluster.Running.Values.All(m => m.Member.ClusterVersion is not null));
        string url = cluster.Name("m4");
        MemberAddResponse added = await follower.Cluster.MemberAdd(
            new MemberAddRequest { PeerURLs = { url }, IsLearner = true }, new TestCall(Cancel));
        Assert.Equal((4, true, "", 0L), (added.Members.Count, added.Member.IsLearner, added.Member.Name, added.Header.Revision));
        await RefusedAsync(EtcdErrors.PeerUrlExists, () => follower.Cluster.MemberAdd(
            new MemberAddRequest { PeerURLs = { url, "http://127.0.0.1:2" } }, new TestCall(Cancel)));
        await RefusedAsync(EtcdErrors.TooManyLearners, () => follower.Cluster.MemberAdd(
            new MemberAddRequest { PeerURLs = { "http://127.0.0.1:1" }, IsLearner = true }, new TestCall(Cancel)));
        await RefusedAsync(EtcdErrors.LearnerNotReady, () => PromoteAsync(follower, added.Member.ID));

        RunningMember learner = await cluster.StartAsync("m4", InitialClusterState.Existing);
        Assert.Equal(added.Member.ID, learner.Member.MemberId.Value);
        await learner.StartedAsync();
        await follower.PutAsync("k", "v");
        await InProcessCluster.UntilAsync("the learner to follow", () => learner.GetHere("k") == "v");
        Assert.True(learner.Member.IsLearner);

        // 3.6.12: new URLs make no voter of a learner.
        await follower.Cluster.MemberUpdate(new MemberUpdateRequest { ID = added.Member.ID, PeerURLs = { url } }, new TestCall(Cancel));
        Assert.True(follower.Member.Members.Single(m => m.Id.Value == added.Member.ID).IsLearner);

        MemberPromoteResponse promoted = await PromoteAsync(follower, added.Member.ID);
        Assert.False(promoted.Members.Single(m => m.ID == added.Member.ID).IsLearner);
        await RefusedAsync(EtcdErrors.MemberNotLearner, () => PromoteAsync(follower, added.Member.ID));
        await InProcessCluster.UntilAsync("the promotion to arrive", () => !learner.Member.IsLearner);
        await learner.PutAsync("k", "w");

        MemberRemoveResponse removed = await follower.Cluster.MemberRemove(new MemberRemoveRequest { ID = added.Member.ID }, new TestCall(Cancel));
        Assert.Equal(3, removed.Members.Count);
        await learner.Member.Removed.WaitAsync(TimeSpan.FromSeconds(60), Cancel);
        await RefusedAsync(EtcdErrors.MemberNotFound, () => follower.Cluster.MemberRemove(
            new MemberRemoveRequest { ID = added.Member.ID }, new TestCall(Cancel)));

        // With its data it is told again; without, it is no member of this cluster.
        await cluster.KillAsync("m4");
        RunningMember again = await cluster.StartAsync("m4", InitialClusterState.Existing);
        await again.Member.Removed.WaitAsync(TimeSpan.FromSeconds(60), Cancel);
        Assert.Equal("w", await follower.GetAsync("k"));
    }

    [Fact]
    public async Task AMemberThatComesLateRaisesTheClustersVersion()
    {
        await using var cluster = new InProcessCluster();
        string[] names = ["m1", "m2", "m3"];
        foreach (string name in names)
        {
            cluster.Name(name);
        }

        await cluster.StartAsync("m1");
        await cluster.StartAsync("m2");
        RunningMember leader = await cluster.WaitForLeaderAsync();
        // As in etcd: one that everybody can work with, until the last one has said what it is.
        await InProcessCluster.UntilAsync("a version", () => leader.Member.ClusterVersion == "3.0.0");
        await cluster.StartAsync("m3");
        await InProcessCluster.UntilAsync("the version of all", () => cluster.Running.Values.All(m => m.Member.ClusterVersion == "3.7.0"));
    }

    [Fact]
    public async Task WhoJoinsMustBeNamedByFlagsAndCluster()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(1);
        cluster.Name("m2");
        ClusterStartException error = await Assert.ThrowsAsync<ClusterStartException>(
            () => cluster.StartAsync("m2", InitialClusterState.Existing));
        Assert.EndsWith("member count is unequal", error.Message, StringComparison.Ordinal);
        cluster.Forget("m2");
        await cluster["m1"].Cluster.MemberAdd(new MemberAddRequest { PeerURLs = { "http://127.0.0.1:1" } }, new TestCall(Cancel));
        cluster.Name("m2");
        error = await Assert.ThrowsAsync<ClusterStartException>(() => cluster.StartAsync("m2", InitialClusterState.Existing));
        Assert.Contains("PeerURLs: no match found for existing member", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMemberWithoutItsDataDoesNotBeginAnew()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(3);
        await cluster.KillAsync("m2");
        cluster.Configure = options => options with { DataDir = options.DataDir + "-lost" };
        ClusterStartException error = await Assert.ThrowsAsync<ClusterStartException>(() => cluster.StartAsync("m2"));
        Assert.Matches("^member [0-9a-f]+ has already been bootstrapped$", error.Message);
    }

    [Fact]
    public async Task LeasesAreRenewedThroughEachMemberAndLiveOnWithANewLeader()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(3);
        RunningMember follower = await cluster.WaitForFollowerAsync();
        LeaseId lease = await follower.GrantAsync(600);
        foreach (RunningMember member in cluster.Running.Values)
        {
            Assert.Equal(600, await member.Member.Api.LeaseTime.RenewAsync(lease, Cancel));
            LeaseTimeToLive known = await member.Member.Api.LeaseTime.TimeToLiveAsync(lease, withKeys: true, Cancel);
            Assert.Equal((LeaseStatus.Ok, 600L), (known.Status, known.GrantedSeconds));
            Assert.InRange(known.RemainingSeconds, 500, 600);
            Assert.Equal(0, await member.Member.Api.LeaseTime.RenewAsync(new LeaseId(7), Cancel));
            Assert.Equal(LeaseStatus.NotFound, (await member.Member.Api.LeaseTime.TimeToLiveAsync(new LeaseId(7), false, Cancel)).Status);
        }

        await cluster.KillAsync((await cluster.WaitForLeaderAsync()).Name);
        await cluster.WaitForLeaderAsync();
        foreach (RunningMember member in cluster.Running.Values)
        {
            LeaseTimeToLive known = await member.Member.Api.LeaseTime.TimeToLiveAsync(lease, withKeys: false, Cancel);
            Assert.Equal((LeaseStatus.Ok, 600L), (known.Status, known.GrantedSeconds));
            Assert.Equal(600, await member.Member.Api.LeaseTime.RenewAsync(lease, Cancel));
        }
    }

    [Fact]
    public async Task ALeaderThatStopsHandsOver()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(3);
        RunningMember leader = await cluster.WaitForLeaderAsync();
        Term before = leader.Member.Term;
        await leader.Member.HandOverAsync();
        Assert.NotEqual(leader.Member.MemberId, leader.Member.Leader);
        Assert.False(leader.Member.Leader.IsNone);
        Assert.Equal(before.Value + 1, leader.Member.Term.Value);

        RunningMember next = cluster.Running.Values.Single(m => m.Member.MemberId == leader.Member.Leader);
        await RefusedAsync(EtcdErrors.NotLeader, () => leader.Member.Api.Changes.MoveLeaderAsync(next.Member.MemberId, TimeSpan.FromSeconds(5), Cancel));
        await InProcessCluster.UntilAsync("the new leader to know", () => next.Member.Leader == next.Member.MemberId);
        await RefusedAsync(EtcdErrors.BadLeaderTransferee, () => next.Member.Api.Changes.MoveLeaderAsync(new MemberId(5), TimeSpan.FromSeconds(5), Cancel));
    }

    [Fact]
    public async Task AWatchThroughAFollowerSeesWhatTheLeaderTakes()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(3);
        RunningMember follower = await cluster.WaitForFollowerAsync();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var seen = new EventSink(end);
        var requests = new OneRequest<WatchRequest>(new WatchRequest
        {
            CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("w"), StartRevision = 1 },
        });
        Task call = new WatchService(follower.Member.Api).Watch(requests, seen, new TestCall(end.Token));
        await (await cluster.WaitForLeaderAsync()).PutAsync("w", "x");
        await Assert.ThrowsAnyAsync<RpcException>(() => call);
        Assert.True(seen.Events > 0);
    }

    [Fact]
    public async Task StreamsOfClientsThatWantALeaderEndWhenThereIsNoneForLong()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(
            3, options => options with { HeartbeatMilliseconds = 20, ElectionMilliseconds = 200 });
        RunningMember left = await cluster.WaitForFollowerAsync();
        var headers = new Grpc.Core.Metadata { { "hasleader", "true" } };
        Task stream = new LeaseService(left.Member.Api).LeaseKeepAlive(
            new OneRequest<LeaseKeepAliveRequest>(null), new NoAnswers<LeaseKeepAliveResponse>(), new TestCall(Cancel, headers));
        foreach (string name in cluster.Running.Keys.Where(n => n != left.Name).ToArray())
        {
            await cluster.KillAsync(name);
        }

        await RefusedAsync(EtcdErrors.NoLeader, () => stream);
        Assert.True(left.Member.Leader.IsNone);
    }

    private static Task<MemberPromoteResponse> PromoteAsync(RunningMember at, ulong id) =>
        at.Cluster.MemberPromote(new MemberPromoteRequest { ID = id }, new TestCall(Cancel));

    /// <summary>Asks again where the leadership has changed meanwhile, as a client does: a refusal changes nothing.</summary>
    private static async Task RefusedAsync(EtcdError expected, Func<Task> call)
    {
        EtcdError error;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        do
        {
            error = (await Assert.ThrowsAsync<EtcdErrorException>(call)).Error;
        }
        while (error != expected && error.Code == Grpc.Core.StatusCode.Unavailable && !patience.IsCancellationRequested);

        Assert.Equal(expected, error);
    }

    private static async Task<HashSet<uint>> HashesAsync(InProcessCluster cluster)
    {
        var hashes = new HashSet<uint>();
        foreach (RunningMember member in cluster.Running.Values)
        {
            hashes.Add((await member.Member.PeerServices.HashKvAsync(0, Cancel)).Hash);
        }

        return hashes;
    }

    /// <summary>Asks once, and then nothing more until the call ends.</summary>
    private sealed class OneRequest<T>(T? request) : IAsyncStreamReader<T>
        where T : class
    {
        private bool _asked = request is null;

        public T Current => request!;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (_asked)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return _asked = true;
        }
    }

    private sealed class NoAnswers<T> : IServerStreamWriter<T>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(T message) => Task.CompletedTask;
    }

    private sealed class EventSink(CancellationTokenSource end) : IServerStreamWriter<WatchBatch>
    {
        public WriteOptions? WriteOptions { get; set; }

        public int Events { get; private set; }

        public async Task WriteAsync(WatchBatch message)
        {
            Events += message.EventCount;
            if (Events > 0)
            {
                await end.CancelAsync();
            }
        }
    }
}
