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
/// One of three voters, spoken to by hand: what leaves before its write, what only behind it, and in which order a snapshot is
/// taken. Recording fakes, every step called by the test.
/// </summary>
public sealed class MemberOrderTests
{
    private static readonly MemberId Me = new(1), Second = new(2), Third = new(3);

    private readonly List<string> _trace = [];
    private readonly FakeTimeProvider _clock = new();
    private readonly QueuedCompletions _completions = new();
    private readonly Log _log;
    private readonly RecordingPeers _peers;
    private readonly MemberNode _node;

    public MemberOrderTests()
    {
        _log = new Log(_trace);
        _peers = new RecordingPeers(_trace);
        _node = new MemberNode(new MemberParts
        {
            Raft = new RaftNode(
                new RaftOptions { Id = Me, Random = static _ => 0, PreVote = false },
                new RecoveredLog(default, null, [], default, new ConfState([Me, Second, Third], []))),
            Log = _log,
            Snapshots = new RecordingSnapshots(_trace),
            Machine = new Machine(_trace),
            State = new RecordingState(_trace) { Configuration = new ConfState([Me, Second, Third], []) },
            Cluster = new ClusterState(1),
            Leases = new LeaseManager(_clock),
            Peers = _peers,
            Completions = _completions,
            Ids = new RequestIds(Me, DateTimeOffset.UnixEpoch),
            Clock = _clock,
        });
        _node.Start();
    }

    [Fact]
    public void AFollowerAnswersWhenItsEntriesAreDurable()
    {
        _node.Deliver(Append(1, 0, Entry(1, 1)));
        Assert.Empty(_trace);
        _node.RunLogOnce();
        Assert.Equal(["append 1", "sync", "send AppResp 2"], _trace);
    }

    [Fact]
    public void EntriesThatArriveBeforeTheWriteShareItAndAreAnsweredInOrder()
    {
        _node.Deliver(Append(1, 0, Entry(1, 1)));
        _node.Deliver(Append(1, 1, Entry(1, 2), Entry(1, 3)));
        _node.RunLogOnce();
        Assert.Equal(["append 1", "append 2 3", "sync", "send AppResp 2", "send AppResp 2"], _trace);
        Assert.Equal([1UL, 3UL], _peers.Sent.Select(m => m.Index.Value));
    }

    [Fact]
    public void AnAnswerThatSpeaksOfEarlierEntriesWaitsForTheirWrite()
    {
        _node.Deliver(Append(1, 0, Entry(1, 1)));
        // The same again: nothing to write, and nothing that may be said yet.
        _node.Deliver(Append(1, 0, Entry(1, 1)));
        Assert.Empty(_trace);
        _node.RunLogOnce();
        Assert.Equal(["append 1", "sync", "send AppResp 2", "send AppResp 2"], _trace);
    }

    [Fact]
    public void AVoteIsGivenWhenItIsDurable()
    {
        _node.Deliver(new Message { Type = MessageType.Vote, From = Second, To = Me, Term = new Term(1) });
        Assert.Empty(_trace);
        _node.RunLogOnce();
        Assert.Equal(["append state 1", "sync", "send VoteResp 2"], _trace);
    }

    [Fact]
    public void ALeaderSendsBeforeItWrites()
    {
        Lead();
        Task<ApplyOutcome> put = Put();
        Assert.Equal(["send App 2", "send App 3"], _trace);
        _node.RunLogOnce();
        Assert.Equal(["send App 2", "send App 3", "append 2", "sync"], _trace);
        Assert.False(put.IsCompleted);
        _node.Deliver(Taken(Second, 2));
        Assert.Contains("apply 2", _trace);
        _completions.Run();
        Assert.True(put.IsCompletedSuccessfully);
    }

    [Fact]
    public void AnEntryIsAppliedOnlyWhenItIsDurableHereToo()
    {
        Lead();
        _ = Put();
        _node.Deliver(Taken(Second, 2));
        _node.Deliver(Taken(Third, 2));
        _node.RunApplyOnce();
        Assert.DoesNotContain("apply 2", _trace);
        _node.RunLogOnce();
        Assert.True(_trace.IndexOf("apply 2") > _trace.LastIndexOf("sync"));
    }

    [Fact]
    public void RequestsGatherWhileAWriteIsUnderWay()
    {
        Lead();
        _ = Put();
        _ = Put();
        _ = Put();
        Assert.Equal(["send App 2", "send App 3"], _trace);
        _log.DuringSync = () => _ = Put();
        _node.RunLogOnce();
        _node.RunLogOnce();
        Assert.Equal(["append 2", "append 3 4 5"], _trace.Where(t => t.StartsWith("append", StringComparison.Ordinal)));
    }

    [Fact]
    public void NothingIsSaidOrAppliedBehindAFailedWrite()
    {
        _node.Deliver(Append(1, 0, Entry(1, 1)));
        _log.Fails = true;
        Assert.False(_node.RunLogOnce());
        Assert.True(_node.Failed.IsFaulted);
        _node.Deliver(Append(1, 1, Entry(1, 2)) with { Commit = new LogIndex(1) });
        _log.Fails = false;
        Assert.False(_node.RunLogOnce());
        Assert.Equal(Timeout.InfiniteTimeSpan, _node.RunApplyOnce());
        Assert.DoesNotContain(_trace, t => t.StartsWith("send", StringComparison.Ordinal) || t.StartsWith("apply", StringComparison.Ordinal));
    }

    [Fact]
    public void ASnapshotIsDurableThenRecordedThenAnsweredThenInstalled()
    {
        _node.DeliverSnapshot(SnapshotAt(10, 2), "file");
        Assert.Empty(_trace);
        _node.RunApplyOnce();
        Assert.Empty(_trace);
        while (_node.RunLogOnce() || _node.RunApplyOnce() == TimeSpan.Zero)
        {
        }

        Assert.Equal(
            ["save snapshot 10 file", "mark 10", "append state 2", "sync", "send AppResp 2", "open 10", "install", "purge 10"], _trace);
        Assert.Equal(new LogIndex(10), _node.Applied);

        _trace.Clear();
        _node.Deliver(Append(2, 10, Entry(2, 11)) with { LogTerm = new Term(2), Commit = new LogIndex(11) });
        while (_node.RunLogOnce() || _node.RunApplyOnce() == TimeSpan.Zero)
        {
        }

        Assert.Equal(["append 11", "sync", "send AppResp 2", "apply 11", "publish 11"], _trace);
    }

    [Fact]
    public void EntriesWrittenWithASnapshotFollowAStateThatMakesItCount()
    {
        bool told = false;
        _peers.Answer = _ =>
        {
            if (told)
            {
                return;
            }

            // From inside the owner, so that it takes both together.
            told = true;
            _node.DeliverSnapshot(SnapshotAt(10, 1), "file");
            _node.Deliver(Append(1, 10, Entry(1, 11)));
        };
        _node.Deliver(Append(1, 0, Entry(1, 1)));
        Drain();
        Assert.Equal(["mark 10", "append state 1", "append 11", "sync"], _trace.SkipWhile(t => t != "mark 10").Take(4));
    }

    /// <summary>
    /// A write may tear between a change of the membership and the state behind it: what came before the change must be known to be
    /// committed all the same, or this member would count the voters of two changes ago.
    /// </summary>
    [Fact]
    public void AChangeOfTheMembershipFollowsAStateThatCommitsTheOneBefore()
    {
        _node.Deliver(Append(1, 0, Entry(1, 1), Change(1, 2), Entry(1, 3), Change(1, 4), Entry(1, 5)) with { Commit = new LogIndex(3) });
        _node.RunLogOnce();
        Assert.Equal(["1", "commit 1", "2", "3", "commit 3", "4", "5", "commit 3"], _log.Records);
    }

    [Fact]
    public void AChangeThatWasLostWithItsLeaderHoldsNoOtherUp()
    {
        _node.Deliver(Append(1, 0, Entry(1, 1)) with { Commit = new LogIndex(1) });
        Drain();
        Task<ApplyOutcome> first = _node.ProposeConfChangeAsync(ConfChangeCommand.Remove(new MemberId(7)));
        Task<ApplyOutcome> second = _node.ProposeConfChangeAsync(ConfChangeCommand.Remove(new MemberId(8)));
        Assert.Equal([Second], Proposed());

        // Another leader, and nothing is known yet of what it has in its log.
        Message news = Append(2, 1, Entry(2, 2)) with { From = Third, LogTerm = new Term(1) };
        _node.Deliver(news);
        Drain();
        Assert.Equal([Second], Proposed());
        _node.Deliver(news with { Commit = new LogIndex(2) });
        Drain();
        Assert.Equal([Second, Third], Proposed());
        Assert.False(first.IsCompleted || second.IsCompleted);
    }

    [Fact]
    public async Task ChangesThatWaitAreBounded()
    {
        for (int i = 0; i < Limits.MemberChangesWaitingMax; i++)
        {
            _ = _node.ProposeConfChangeAsync(ConfChangeCommand.Remove(new MemberId(7)));
        }

        Task<ApplyOutcome> refused = _node.ProposeConfChangeAsync(ConfChangeCommand.Remove(new MemberId(7)));
        Assert.True(refused.IsFaulted);
        Assert.Equal(EtcdErrors.TooManyRequests, (await Assert.ThrowsAsync<EtcdErrorException>(() => refused)).Error);

        // Those that have timed out make room, though there is no leader to take any.
        _clock.Advance(TimeSpan.FromSeconds(10));
        for (int i = 0; i < 5; i++)
        {
            _node.Tick();
        }

        Assert.False(_node.ProposeConfChangeAsync(ConfChangeCommand.Remove(new MemberId(7))).IsFaulted);
    }

    [Fact]
    public void WhatHasGatheredIsPassedOnAtOnceHoweverManyBatchesItIs()
    {
        const int Requests = Limits.ProposalBatchMax + 100;
        _node.Deliver(Append(1, 0, Entry(1, 1)));
        _log.DuringSync = () =>
        {
            for (int i = 0; i < Requests; i++)
            {
                _ = Put();
            }
        };
        _node.RunLogOnce();
        Assert.Equal(Requests, _peers.Sent.Where(m => m.Type == MessageType.Prop).Sum(m => m.Entries.Length));
    }

    [Fact]
    public void WhatArrivesFasterThanItIsTakenIsDropped()
    {
        const int Size = 1024 * 1024;
        const int Taken = (Limits.PeerArrivingBytesMax / Size) - 1;
        bool told = false;
        _peers.Answer = _ =>
        {
            // From inside the owner, so that nobody takes it.
            for (ulong index = 2; index < 102 && !told; index++)
            {
                _node.Deliver(Append(1, index - 1, Entry(1, index) with { Data = new byte[Size] }));
            }

            told = true;
        };
        _node.Deliver(Append(1, 0, Entry(1, 1)));
        Drain();
        Assert.Equal(1 + Taken, _log.Records.Count(r => !r.StartsWith("commit", StringComparison.Ordinal)));
        _node.Deliver(Append(1, 1 + Taken, Entry(1, 2 + Taken)));
        Drain();
        Assert.Equal($"{2 + Taken}", _log.Records[^1]);
    }

    [Fact]
    public void ASnapshotThatBringsNothingIsThrownAway()
    {
        _node.DeliverSnapshot(SnapshotAt(10, 2), "file");
        _node.DeliverSnapshot(SnapshotAt(10, 2), "again");
        while (_node.RunLogOnce() || _node.RunApplyOnce() == TimeSpan.Zero)
        {
        }

        Assert.Contains("discard again", _trace);
        Assert.Single(_trace, t => t == "install");
    }

    [Fact]
    public void AFollowerThatNeedsASnapshotGetsTheStateAsItIsApplied()
    {
        _node.DeliverSnapshot(SnapshotAt(10, 2), "file");
        Drain();
        Lead(term: 3, last: 11, third: false);
        _trace.Clear();
        _node.Deliver(new Message { Type = MessageType.HeartbeatResp, From = Second, To = Me, Term = new Term(3) });
        _node.Deliver(new Message
        {
            Type = MessageType.AppResp,
            From = Third,
            To = Me,
            Term = new Term(3),
            Index = new LogIndex(10),
            Reject = true,
            RejectHint = default,
        });
        _node.RunApplyOnce();
        Assert.Contains(_trace, t => t.StartsWith("export ", StringComparison.Ordinal));
        (Message message, _) = Assert.Single(_peers.Snapshots);
        Assert.Equal(Third, message.To);
        Assert.Equal(_node.Applied, message.Snapshot!.Index);
        Assert.Equal(3, message.Snapshot.Configuration.Voters.Count);
        Assert.Equal("members"u8, message.Snapshot.Data.Span);
    }

    [Fact]
    public void WhatOnlyAMemberItselfCanSayIsNotBelievedOfOthers()
    {
        _node.Deliver(new Message { Type = MessageType.Hup, From = Me, To = Me });
        _node.Deliver(new Message { Type = MessageType.Snap, From = Second, To = Me, Term = new Term(1) });
        Drain();
        Assert.Empty(_trace);
        Assert.Equal(default, _node.Term);
    }

    [Fact]
    public void WhoComesWhileSomebodyIsInsideLeavesItToThem()
    {
        // The transport answers at once, from inside the send: as a peer's reader on another thread would.
        Lead();
        bool answered = false;
        _peers.Answer = message =>
        {
            if (message.Type == MessageType.App && !message.Entries.IsEmpty && message.To == Second)
            {
                answered = true;
                Assert.False(_node.RunOnce());
                _node.Deliver(Taken(Second, message.Index.Value + (ulong)message.Entries.Length));
            }
        };
        Task<ApplyOutcome> put = Put();
        Assert.True(answered);
        Drain();
        Assert.True(put.IsCompletedSuccessfully);
    }

    private static Entry Entry(ulong term, ulong index) => new(new Term(term), new LogIndex(index), EntryType.Normal, new byte[] { 1 });

    private static Entry Change(ulong term, ulong index) => Entry(term, index) with { Type = EntryType.ConfChange };

    private IEnumerable<MemberId> Proposed() => _peers.Sent.Where(m => m.Type == MessageType.Prop).Select(m => m.To);

    private static Message Append(ulong term, ulong after, params Entry[] entries) => new()
    {
        Type = MessageType.App,
        From = Second,
        To = Me,
        Term = new Term(term),
        Index = new LogIndex(after),
        LogTerm = new Term(after == 0 ? 0 : term),
        Entries = entries,
    };

    private static Message SnapshotAt(ulong index, ulong term) => new()
    {
        Type = MessageType.Snap,
        From = Second,
        To = Me,
        Term = new Term(term),
        Snapshot = new Snapshot(new LogIndex(index), new Term(term), new ConfState([Me, Second, Third], []), default),
    };

    private static Message Taken(MemberId from, ulong index, ulong term = 1) =>
        new() { Type = MessageType.AppResp, From = from, To = Me, Term = new Term(term), Index = new LogIndex(index) };

    private Task<ApplyOutcome> Put() => _node.ProposeAsync(RaftCommand.Create(RaftCommandKind.Put, "x"u8));

    private void Lead(ulong term = 1, ulong last = 1, bool third = true)
    {
        for (int i = 0; i < 10; i++)
        {
            _node.Tick();
        }

        Drain();
        _node.Deliver(new Message { Type = MessageType.VoteResp, From = Second, To = Me, Term = new Term(term) });
        Drain();
        _node.Deliver(Taken(Second, last, term));
        if (third)
        {
            _node.Deliver(Taken(Third, last, term));
        }

        Drain();
        Assert.Equal(new Term(term), _node.LeadsIn);
        Assert.Equal(new LogIndex(last), _node.Applied);
        _trace.Clear();
        _peers.Sent.Clear();
    }

    private void Drain()
    {
        while (_node.RunLogOnce() || _node.RunApplyOnce() == TimeSpan.Zero || _completions.Run())
        {
        }
    }

    private sealed class Log(List<string> trace) : ILogStore
    {
        public bool Fails { get; set; }

        public Action? DuringSync { get; set; }

        /// <summary>What is written, record by record.</summary>
        public List<string> Records { get; } = [];

        public void Append(HardState? hardState, ReadOnlySpan<Entry> entries)
        {
            trace.Add(entries.IsEmpty
                ? $"append state {hardState!.Value.Term}"
                : "append " + string.Join(' ', entries.ToArray().Select(e => e.Index)));
            Records.AddRange(entries.ToArray().Select(e => $"{e.Index}"));
            if (hardState is { } state)
            {
                Records.Add($"commit {state.Commit}");
            }
        }

        public void SaveSnapshot(Snapshot snapshot) => trace.Add($"mark {snapshot.Index}");

        public void Sync()
        {
            if (Fails)
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

    private sealed class Machine(List<string> trace) : IStateMachine
    {
        public bool NeedsMaintenance => false;

        public ApplyOutcome? Apply(in Entry entry, out ulong requestId)
        {
            trace.Add($"apply {entry.Index}");
            requestId = entry.Data.Length > 1 ? CommandReader.Read(entry.Data).RequestId : 0;
            return new ApplyOutcome(1);
        }

        public ApplyOutcome ApplyConfChange(in Entry entry, out ulong requestId, out ConfChange change)
        {
            trace.Add($"apply {entry.Index}");
            requestId = 0;
            change = default;
            return new ApplyOutcome(1);
        }

        public void Publish(LogIndex applied) => trace.Add($"publish {applied}");

        public void Abandon() => trace.Add("abandon");

        public TimeSpan Maintain() => Timeout.InfiniteTimeSpan;
    }
}
