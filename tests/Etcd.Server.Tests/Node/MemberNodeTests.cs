using System.Text;
using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.TestKit;

namespace Etcd.Server.Tests.Node;

/// <summary>
/// The order in which things happen, seen by recording fakes: written, synced, applied, published, answered. All steps are
/// called by the test, so every interleaving here is the one that is written down.
/// </summary>
public sealed class MemberNodeTests
{
    private readonly List<string> _trace = [];
    private readonly RecordingLog _log;
    private readonly RecordingMachine _machine;
    private readonly QueuedCompletions _completions;
    private readonly FakeTimeProvider _clock = new();
    private readonly MemberNode _node;

    public MemberNodeTests()
    {
        _log = new RecordingLog(_trace);
        _machine = new RecordingMachine(_trace);
        _completions = new QueuedCompletions(_trace);
        var raft = new RaftNode(
            new RaftOptions { Id = new MemberId(1), Random = static _ => 0 },
            new RecoveredLog(default, null, [], default, new ConfState([new MemberId(1)], [])));
        _node = new MemberNode(new MemberParts
        {
            Raft = raft,
            Log = _log,
            Snapshots = new RecordingSnapshots(_trace),
            Machine = _machine,
            State = new RecordingState(_trace),
            Cluster = Alone(),
            Leases = new LeaseManager(_clock),
            Peers = new RecordingPeers(_trace),
            Completions = _completions,
            Ids = new RequestIds(new MemberId(1), DateTimeOffset.UnixEpoch),
            Clock = _clock,
        });
    }

    [Fact]
    public async Task ARequestIsAnsweredOnlyAfterItIsSyncedAppliedAndPublished()
    {
        Lead();
        Task<ApplyOutcome> put = _node.ProposeAsync(Command("a"));
        Assert.False(put.IsCompleted);
        _node.RunLogOnce();
        _completions.Run();
        ApplyOutcome outcome = await put;
        Assert.Equal(7, outcome.Revision);
        Assert.Equal(["append 2", "sync", "apply 2", "publish 2", "answer"], _trace);
    }

    [Fact]
    public void RequestsThatArriveDuringASyncShareTheNextOne()
    {
        Lead();
        Task<ApplyOutcome> first = _node.ProposeAsync(Command("a"));
        List<Task<ApplyOutcome>> later = [];
        _log.DuringSync = () => later.AddRange([_node.ProposeAsync(Command("b")), _node.ProposeAsync(Command("c"))]);
        Drain();
        Assert.True(first.IsCompletedSuccessfully);
        Assert.All(later, t => Assert.True(t.IsCompletedSuccessfully));
        Assert.Equal(["append 2", "sync", "append 3 4", "sync"], _trace.Where(t => t.StartsWith("append", StringComparison.Ordinal) || t == "sync"));
    }

    [Fact]
    public void WhatWaitsBehindABatchIsNotHeldUpByApplyingIt()
    {
        Lead();
        _ = _node.ProposeAsync(Command("a"));
        _log.DuringSync = () => _ = _node.ProposeAsync(Command("b"));
        bool applyWoken = false;
        _node.ApplyWork = () => applyWoken = true;
        _node.RunLogOnce();
        Assert.True(applyWoken);
        Assert.DoesNotContain("apply 2", _trace);
    }

    [Fact]
    public async Task AFailedSyncAnswersNobodyWithSuccessAndEndsTheMember()
    {
        Lead();
        Task<ApplyOutcome> put = _node.ProposeAsync(Command("a"));
        _log.SyncFails = true;
        Assert.False(_node.RunLogOnce());
        _completions.Run();
        EtcdErrorException error = await Assert.ThrowsAsync<EtcdErrorException>(() => put);
        Assert.Equal(EtcdErrors.Stopped, error.Error);
        Assert.True(_node.Failed.IsFaulted);
        Assert.DoesNotContain("apply 2", _trace);
        await Assert.ThrowsAsync<EtcdErrorException>(() => _node.ProposeAsync(Command("b")));
        _log.SyncFails = false;
        Assert.False(_node.RunLogOnce());
    }

    [Fact]
    public async Task ARefusalOfTheStateMachineIsTheRequestsError()
    {
        Lead();
        _machine.Refuse = EtcdErrors.LeaseNotFound;
        Task<ApplyOutcome> put = _node.ProposeAsync(Command("a"));
        Drain();
        EtcdErrorException error = await Assert.ThrowsAsync<EtcdErrorException>(() => put);
        Assert.Equal(EtcdErrors.LeaseNotFound, error.Error);
        Assert.Equal(new LogIndex(2), _node.Applied);
    }

    [Fact]
    public async Task ARequestThatNobodyAppliesTimesOut()
    {
        // Nothing is written: the proposal waits, is not lost, and the client is told in time.
        Task<ApplyOutcome> put = _node.ProposeAsync(Command("a"));
        _clock.Advance(new NodeOptions().RequestTimeout + TimeSpan.FromMilliseconds(1));
        for (int i = 0; i < 5; i++)
        {
            _node.Tick();
        }

        _node.RunLogOnce();
        _completions.Run();
        EtcdErrorException error = await Assert.ThrowsAsync<EtcdErrorException>(() => put);
        Assert.Equal(EtcdErrors.Timeout, error.Error);
    }

    [Fact]
    public async Task RequestsTimeOutWhileASyncHangs()
    {
        Lead();
        Task<ApplyOutcome> put = _node.ProposeAsync(Command("a"));
        _log.DuringSync = () =>
        {
            _clock.Advance(new NodeOptions().RequestTimeout + TimeSpan.FromMilliseconds(1));
            for (int i = 0; i < 5; i++)
            {
                _node.Tick();
            }

            _completions.Run();
            Assert.True(put.IsFaulted);
        };
        Drain();
        EtcdErrorException error = await Assert.ThrowsAsync<EtcdErrorException>(() => put);
        Assert.Equal(EtcdErrors.Timeout, error.Error);
        Assert.False(_node.Failed.IsFaulted);
        Assert.Contains("apply 2", _trace);
    }

    [Fact]
    public void NothingIsAppliedBehindAnEntryThatCouldNotBe()
    {
        Lead();
        _machine.FailsAt = new LogIndex(2);
        _ = _node.ProposeAsync(Command("a"));
        _ = _node.ProposeAsync(Command("b"));
        Drain();
        Assert.True(_node.Failed.IsFaulted);
        Assert.DoesNotContain("apply 3", _trace);
        Assert.DoesNotContain(_trace, t => t.StartsWith("publish", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ProposalsBeforeTheElectionAreTakenAfterIt()
    {
        Task<ApplyOutcome> put = _node.ProposeAsync(Command("a"));
        Lead(clearTrace: false);
        Drain();
        Assert.Equal(7, (await put).Revision);
    }

    [Fact]
    public async Task ATooLargeRequestIsRefusedAndChangesNothing()
    {
        Lead();
        Task<ApplyOutcome> put = _node.ProposeAsync(RaftCommand.Create(RaftCommandKind.Put, new byte[Limits.RequestBytesMax]));
        EtcdErrorException error = await Assert.ThrowsAsync<EtcdErrorException>(() => put);
        Assert.Equal(EtcdErrors.RequestTooLarge, error.Error);
        Drain();
        Assert.Empty(_trace);
    }

    [Fact]
    public async Task TooManyCommittedAndUnappliedEntriesRefuseMore()
    {
        Lead();
        _node.ApplyWork = () => { };
        for (int i = 0; i < (int)Limits.CommittedApplyGapMax + 1; i++)
        {
            _ = _node.ProposeAsync(Command("a"));
        }

        while (_node.RunLogOnce())
        {
        }

        Assert.True(_node.Committed > _node.Applied + Limits.CommittedApplyGapMax);
        EtcdErrorException error = await Assert.ThrowsAsync<EtcdErrorException>(() => _node.ProposeAsync(Command("b")));
        Assert.Equal(EtcdErrors.TooManyRequests, error.Error);
        Drain();
        Task<ApplyOutcome> accepted = _node.ProposeAsync(Command("c"));
        Drain();
        Assert.True(accepted.IsCompletedSuccessfully);
    }

    /// <summary>etcd_server_slow_apply_total.</summary>
    [Theory]
    [InlineData(100, 0)]
    [InlineData(101, 1)]
    public async Task ARequestThatTakesLongToApplyIsCountedAsSlow(int milliseconds, long expected)
    {
        Lead();
        _machine.DuringApply = () => _clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
        Task<ApplyOutcome> put = _node.ProposeAsync(Command("a"));
        Drain();
        await put;
        Assert.Equal(expected, _node.Figures.SlowApplies);
    }

    [Fact]
    public async Task WaitingRequestsAreBoundedInBytes()
    {
        // The election's write is under way: nothing is taken, so all of it waits.
        byte[] large = new byte[1024 * 1024];
        Task<ApplyOutcome> last;
        int count = 0;
        do
        {
            last = _node.ProposeAsync(RaftCommand.Create(RaftCommandKind.Put, large));
        }
        while (!last.IsCompleted && ++count * (long)large.Length < 2 * Limits.ProposalQueueBytesMax);

        EtcdErrorException error = await Assert.ThrowsAsync<EtcdErrorException>(() => last);
        Assert.Equal(EtcdErrors.TooManyRequests, error.Error);
        Lead(clearTrace: false);
        Task<ApplyOutcome> accepted = _node.ProposeAsync(Command("b"));
        Drain();
        Assert.True(accepted.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task ALinearizableReadWaitsForWhatIsCommittedAndNotForMore()
    {
        Task early = _node.LinearizeAsync(TestContext.Current.CancellationToken).AsTask();
        Assert.False(early.IsCompleted);
        Lead();
        await early;
        Assert.True(_node.LinearizeAsync(TestContext.Current.CancellationToken).AsTask().IsCompletedSuccessfully);
        _ = _node.ProposeAsync(Command("a"));
        _log.DuringSync = () => _ = _node.ProposeAsync(Command("b"));
        _node.RunLogOnce();
        Assert.True(_node.Committed > _node.Applied);
        Task read = _node.LinearizeAsync(TestContext.Current.CancellationToken).AsTask();
        Assert.False(read.IsCompleted);
        Drain();
        await read;
    }

    [Fact]
    public async Task AStopTellsEveryoneWhoWaits()
    {
        Task<ApplyOutcome> put = _node.ProposeAsync(Command("a"));
        Task applied = _node.WhenApplied(new LogIndex(99));
        _node.Stop();
        _completions.Run();
        Assert.Equal(EtcdErrors.Stopped, (await Assert.ThrowsAsync<EtcdErrorException>(() => put)).Error);
        Assert.Equal(EtcdErrors.Stopped, (await Assert.ThrowsAsync<EtcdErrorException>(() => applied)).Error);
    }

    [Fact]
    public async Task AFailureElsewhereEndsTheMemberAndIsItsCause()
    {
        Lead();
        Task<ApplyOutcome> put = _node.ProposeAsync(Command("a"));
        var cause = new InvariantException("a watcher is in one index at a time");
        _node.Fail(cause);
        _completions.Run();
        Assert.Equal(EtcdErrors.Stopped, (await Assert.ThrowsAsync<EtcdErrorException>(() => put)).Error);
        Assert.Same(cause, await Assert.ThrowsAsync<InvariantException>(() => _node.Failed));
        Assert.False(_node.RunLogOnce());
    }

    [Fact]
    public void RequestsWithTheSameSlotDoNotTakeEachOthersAnswers()
    {
        Lead();
        var waiting = new PendingRequests();
        Proposal first = Waiting(5), second = Waiting(5 + 65536), third = Waiting(5 + (2 * 65536));
        foreach (Proposal proposal in new[] { first, second, third })
        {
            waiting.Add(proposal);
        }

        Assert.True(waiting.TryTake(second.Id, out Proposal taken));
        Assert.Same(second, taken);
        Assert.False(waiting.TryTake(second.Id, out _));
        Assert.True(waiting.TryTake(first.Id, out taken));
        Assert.Same(first, taken);
        var expired = new List<Proposal>();
        waiting.TakeExpired(before: 6, expired);
        Assert.Empty(expired);
        waiting.TakeExpired(before: long.MaxValue, expired);
        Assert.Same(third, Assert.Single(expired));
    }

    private static ClusterState Alone()
    {
        var cluster = new ClusterState(1);
        cluster.Put(new Member(new MemberId(1), ["http://one:2380"], IsLearner: false, "one", []));
        return cluster;
    }

    private static RaftCommand Command(string text) => RaftCommand.Create(RaftCommandKind.Put, Encoding.UTF8.GetBytes(text));

    private static Proposal Waiting(ulong id) => new(id, EntryType.Normal, default, began: 0, deadline: (long)id);

    private void Lead(bool clearTrace = true)
    {
        _node.Start();
        Drain();
        Assert.Equal(new MemberId(1), _node.Leader);
        if (clearTrace)
        {
            _trace.Clear();
        }
    }

    private void Drain()
    {
        while (_node.RunLogOnce() || _node.RunApplyOnce() == TimeSpan.Zero || _completions.Run())
        {
        }
    }

    private sealed class RecordingLog(List<string> trace) : ILogStore
    {
        public Action? DuringSync { get; set; }

        public bool SyncFails { get; set; }

        public void Append(HardState? hardState, ReadOnlySpan<Entry> entries) =>
            trace.Add("append " + string.Join(' ', entries.ToArray().Select(e => e.Index)));

        public void SaveSnapshot(Snapshot snapshot) => trace.Add($"mark {snapshot.Index}");

        public void Sync()
        {
            if (SyncFails)
            {
                throw new IOException("the disk is gone");
            }

            trace.Add("sync");
            Action? during = DuringSync;
            DuringSync = null;
            during?.Invoke();
        }

        public bool PrepareAhead() => false;
    }

    private sealed class RecordingMachine(List<string> trace) : IStateMachine
    {
        public EtcdError? Refuse { get; set; }

        public LogIndex? FailsAt { get; set; }

        public Action DuringApply { get; set; } = static () => { };

        public bool NeedsMaintenance => false;

        public ApplyOutcome? Apply(in Entry entry, out ulong requestId)
        {
            requestId = 0;
            if (entry.Data.IsEmpty)
            {
                return null;
            }

            trace.Add($"apply {entry.Index}");
            DuringApply();
            Invariant.Check(entry.Index != FailsAt, "the test lets this entry be applied");
            requestId = CommandReader.Read(entry.Data).RequestId;
            return Refuse is null ? new ApplyOutcome(7) : new ApplyOutcome(Refuse, 7);
        }

        public ApplyOutcome ApplyConfChange(in Entry entry, out ulong requestId, out ConfChange change) =>
            throw new InvariantException("no test here changes the membership");

        public void Publish(LogIndex applied) => trace.Add($"publish {applied}");

        public void Abandon() => trace.Add("abandon");

        public TimeSpan Maintain() => Timeout.InfiniteTimeSpan;
    }
}
