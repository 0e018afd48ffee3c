using Etcd.Protocol.Errors;
using Etcd.Server.Hosting.Upkeep.Integrity;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Tests.Members;
using Etcd.Server.Tests.Node;

namespace Etcd.Server.Tests.Upkeep;

/// <summary>When data are compared, and by whom. Method: a node of <see cref="TestCluster"/>, its fake clock, others that answer what the test says.</summary>
public sealed class IntegrityMonitorTests : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromDays(60);
    private static readonly TimeSpan OfCompactions = TimeSpan.FromMinutes(1);

    private readonly TestCluster _cluster = new(3);
    private readonly FakeHashes _hashes = new();
    private readonly RecordingLog _log = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public IntegrityMonitorTests()
    {
        _cluster.Elect();
        _hashes.Own.Enqueue((new HistoryHash(7, 4, 10), 10));
        _hashes.Compactions.Add(new HistoryHash(7, 2, 4));
        _hashes.Peers[2] = revision => new PeerHash(10, 7, revision == 4 ? 2 : 4, revision);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    [Fact]
    public async Task TheLeaderComparesCompactionsOftenAndEverythingNowAndThen()
    {
        Begin(_cluster.Leader!, new IntegrityOptions(Interval, ChecksCompactions: true, OfCompactions));
        await AdvanceUntilAsync(() => _hashes.Asked.Contains(4), OfCompactions);
        Assert.DoesNotContain(10, _hashes.Asked);
        await AdvanceUntilAsync(() => _hashes.Asked.Contains(10), TimeSpan.FromDays(1));
        Assert.True(_cluster.Clock.Elapsed > Interval);
        Assert.Empty(_hashes.Corrupt);
    }

    [Fact]
    public void AFollowerAsksNobody()
    {
        TestMember follower = _cluster.Members.Values.First(m => m != _cluster.Leader);
        var options = new IntegrityOptions(OfCompactions, ChecksCompactions: true, OfCompactions);
        Begin(follower, options);
        for (int i = 0; i < 20; i++)
        {
            _cluster.Clock.Advance(OfCompactions);
        }

        Assert.Empty(_hashes.Asked);
    }

    [Fact]
    public async Task WhatIsSwitchedOffIsNotDone()
    {
        Begin(_cluster.Leader!, new IntegrityOptions(TimeSpan.Zero, ChecksCompactions: false, OfCompactions));
        await _running;
        Assert.Empty(_log.Messages);
    }

    [Fact]
    public async Task ACheckThatFailsIsSaidAndTriedAgain()
    {
        _hashes.LinearizeFails = EtcdErrors.LeaderChanged;
        Begin(_cluster.Leader!, new IntegrityOptions(OfCompactions, ChecksCompactions: false, OfCompactions));
        await AdvanceUntilAsync(() => _hashes.Asked.Count >= 2, OfCompactions);
        Assert.Contains("failed to check hash KV", _log.Messages);
    }

    [Fact]
    public async Task DataThatCannotBeReadEndTheMember()
    {
        TestMember leader = _cluster.Leader!;
        _hashes.Own.Clear();
        Begin(leader, new IntegrityOptions(OfCompactions, ChecksCompactions: false, OfCompactions));
        await AdvanceUntilAsync(() => leader.Node.Failed.IsFaulted, OfCompactions);
    }

    [Fact]
    public async Task AtTheStartWhatDiffersIsAFailureWithEtcdsWords()
    {
        var monitor = New(_cluster.Leader!, new IntegrityOptions(TimeSpan.Zero, ChecksCompactions: false, OfCompactions));
        await monitor.CheckAtStartAsync(_stop.Token);
        Assert.Contains("initial corruption checking passed; no corruption", _log.Messages);
        _hashes.Peers[2] = revision => new PeerHash(10, 8, 4, revision);
        DataInconsistencyException failure = await Assert.ThrowsAsync<DataInconsistencyException>(() => monitor.CheckAtStartAsync(_stop.Token));
        Assert.Equal($"{new MemberId(1)} found data inconsistency with peers", failure.Message);
        Assert.Contains("checkInitialHashKV failed", _log.Messages);
    }

    private IntegrityMonitor New(TestMember member, IntegrityOptions options) =>
        new(member.Node, _hashes, options, TimeSpan.FromSeconds(7), _cluster.Clock, _log);

    private void Begin(TestMember member, IntegrityOptions options) => _running = New(member, options).RunAsync(_stop.Token);

    private Task AdvanceUntilAsync(Func<bool> holds, TimeSpan step) => InProcessCluster.UntilAsync("a check", () =>
    {
        _cluster.Clock.Advance(step);
        return holds();
    });
}
