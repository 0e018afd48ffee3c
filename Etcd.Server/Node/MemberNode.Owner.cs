using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Membership;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <content>The owner's step. Everything here but the queues and the published numbers belongs to whoever is inside.</content>
public sealed partial class MemberNode
{
    private const int InlineMax = AnswerBatch.Size;

    private readonly ConcurrentQueue<Arrival> _arrivals = new();
    private readonly ConcurrentQueue<AppendJob> _written = new();
    private readonly ConcurrentQueue<AppendJob> _spareJobs = new();
    private readonly Ready _ready = new();
    private readonly List<Message> _toSend = [];
    private readonly List<Proposal> _refused = [];
    private readonly Dictionary<(LogIndex, Term), string> _received = [];
    private readonly LogIndex _recoveredThrough;

    // Above zero while somebody is inside: how often it was called since it last looked.
    private int _calls;
    private int _ticks;
    private uint _ticksEver;

    // Writes that were handed to the log thread and that the owner has not heard of since.
    private int _underWay;
    private int _toApply;
    private MemberId _leaderSeen;
    private Term _ledTerm;
    private LogIndex _termBegan;

    // The term of the newest entry that is known to be committed, and an entry of it.
    private Term _committedTerm;
    private LogIndex _committedInTerm;
    private bool _keepsLeases;

    // Until the first step has connected the peers, too.
    private bool _isReplaying = true;

    private bool StepOwner()
    {
        bool any = TakeWritten() | TakeArrivals() | TakeTicks() | TakeApplied() | TakeQuestions();
        bool more;
        do
        {
            more = _reads.Run(_raft) | Propose();
            while (_raft.HasReady)
            {
                HandleReady();
                more = any = true;
            }
        }
        while (more && (_reads.CanStart || (_proposals.HasArrived && Volatile.Read(ref _underWay) == 0)));
        PublishStatus();
        return any | more;
    }

    /// <summary>What the log thread has made durable: only now may be said that it is.</summary>
    private bool TakeWritten()
    {
        bool any = false;
        while (_written.TryDequeue(out AppendJob? job))
        {
            any = true;
            if (job.Snapshot is { } snapshot)
            {
                // Before raft knows, so that what it commits next comes after it.
                _apply.Enqueue(snapshot);
                _toApply = int.MaxValue;
            }

            if (!job.Entries.IsEmpty)
            {
                ref readonly Entry last = ref job.Entries[^1];
                _raft.OnAppended(last.Index, last.Term);
            }
            else if (job.Snapshot is not null)
            {
                _raft.OnAppended(job.Snapshot.Index, job.Snapshot.Term);
            }

            Send(job.After);
            job.Clear();
            _spareJobs.Enqueue(job);
            // A full fence: a proposer that saw the write under way has put its request where it is looked for below.
            Interlocked.Decrement(ref _underWay);
        }

        return any;
    }

    private bool TakeArrivals()
    {
        bool any = false;
        while (_arrivals.TryDequeue(out Arrival arrival))
        {
            any = true;
            Interlocked.Add(ref _arrivingBytes, -arrival.Bytes);
            Message message = arrival.Message;
            if (arrival.File is not null && message.Snapshot is { } snapshot)
            {
                TakeSnapshot(message, snapshot, arrival.File);
            }
            else
            {
                _raft.Step(message);
            }

            WatchLeadership();
        }

        return any;
    }

    private void TakeSnapshot(in Message message, Snapshot snapshot, string file)
    {
        if (!_received.TryAdd((snapshot.Index, snapshot.Term), file))
        {
            Discard(file);
            return;
        }

        _raft.Step(message);
        while (_raft.HasReady)
        {
            HandleReady();
        }

        if (_received.Remove((snapshot.Index, snapshot.Term)))
        {
            // Raft has what is in it, or does not believe its sender.
            Discard(file);
        }
    }

    private bool TakeTicks()
    {
        int ticks = Interlocked.Exchange(ref _ticks, 0);
        for (int i = 0; i < ticks; i++)
        {
            _raft.Tick();
            _reads.Tick();
            WatchLeadership();
            if (++_ticksEver % _options.SweepTicks == 0)
            {
                Sweep();
            }
        }

        return ticks > 0;
    }

    /// <summary>What was applied: raft may forget entries, and learns of changes of the membership in the log's order.</summary>
    private bool TakeApplied()
    {
        LogIndex applied = _apply.Applied;
        bool membersChanged = false;
        while (_apply.TryTakeNews(applied, out ApplyNews news))
        {
            membersChanged = true;
            if (news.Change is { } change)
            {
                _raft.ApplyConfChange(change);
                _raft.OnApplied(news.Index);
            }
            else
            {
                _raft.OnApplied(news.Index);
                PurgeBefore(news.Index);
            }

            if (news.Answer is { } answer)
            {
                AnswerBatch.Post(_parts.Completions, answer);
            }
        }

        if (applied > _raft.Applied)
        {
            _raft.OnApplied(applied);
        }

        if (membersChanged || _isReplaying)
        {
            // At the end of the replay at the latest: after a start from a snapshot no change of the membership may follow.
            ConnectPeers();
            WatchLeadership();
        }

        CampaignIfAlone();
        KeepLeasesIfReady();
        AwaitApplied();
        return membersChanged;
    }

    /// <summary>A sole voter's election needs nobody's answer, so it does not wait for the timeout.</summary>
    private void CampaignIfAlone()
    {
        if (_raft.Role == RaftRole.Follower && _raft.Leader.IsNone && _raft.Applied >= _recoveredThrough
            && _raft.Configuration.Voters is [var only] && only == _raft.Id)
        {
            _raft.Step(new Message { Type = MessageType.Hup, From = _raft.Id });
            WatchLeadership();
        }
    }

    /// <summary>
    /// The leader keeps the time of leases once it has applied what earlier leaders have left: its leases are those of the
    /// cluster then.
    /// </summary>
    private void KeepLeasesIfReady()
    {
        if (_ledTerm != default && !_keepsLeases && _raft.Applied >= _termBegan)
        {
            _keepsLeases = true;
            _parts.Leases.Promote(_options.ElectionTimeout);
        }
    }

    private void AwaitApplied()
    {
        if (_ledTerm != default && !_keepsLeases)
        {
            _apply.Await(_termBegan);
        }
        else if (_raft.Applied < _recoveredThrough)
        {
            _apply.Await(_recoveredThrough);
        }
        else
        {
            _apply.AwaitNothing();
        }
    }

    private bool Propose()
    {
        // While a write is under way, requests gather for the next one.
        bool any = Volatile.Read(ref _underWay) == 0 && _proposals.Propose(_raft, _refused);
        if (_committedTerm == _raft.Term && _raft.Applied >= _committedInTerm)
        {
            any |= _proposals.ProposeChange(_raft);
        }

        if (_refused.Count > 0)
        {
            Give(_refused, EtcdErrors.NotLeader);
        }

        return any;
    }

    private void HandleReady()
    {
        _raft.Ready(_ready);
        WatchLeadership();
        PublishStatus();
        Send(_ready.Messages);
        foreach (ReadState state in _ready.ReadStates)
        {
            _reads.Answer(state);
        }

        if (_ready.CommittedEntries.Count > 0)
        {
            // What waits already is more than a moment's work; and so is a large batch.
            bool small = _apply.IsIdle && _ready.CommittedEntries.Count <= InlineMax;
            _toApply = small ? Math.Max(_toApply, 1) : int.MaxValue;
            _apply.Enqueue(_ready.CommittedEntries);
            NoteCommitted(_ready.CommittedEntries[^1].Index, _ready.CommittedEntries[^1].Term);
        }

        if (_ready.Snapshot is { } snapshot)
        {
            NoteCommitted(snapshot.Index, snapshot.Term);
        }

        QueueAppend();
        // Or the entries' bytes would stay until the next batch, whenever that comes.
        _ready.Clear();
    }

    private void NoteCommitted(LogIndex index, Term term)
    {
        if (term > _committedTerm)
        {
            _committedTerm = term;
            _committedInTerm = index;
        }
    }

    private void QueueAppend()
    {
        if (!_ready.HasAppend && (_ready.MessagesAfterAppend.Count == 0 || _underWay == 0))
        {
            // Nothing that they could speak of is not durable.
            Send(_ready.MessagesAfterAppend);
            return;
        }

        string? file = null;
        if (_ready.Snapshot is { } snapshot)
        {
            bool known = _received.Remove((snapshot.Index, snapshot.Term), out file);
            Invariant.Check(known, "a snapshot that raft takes has arrived");
        }

        if (!_spareJobs.TryDequeue(out AppendJob? job))
        {
            job = new AppendJob();
        }

        job.Fill(_ready, file);
        Interlocked.Increment(ref _underWay);
        Queue(job);
    }

    /// <summary>Sends messages; those to this member itself (a candidate's own vote) are taken at once.</summary>
    private void Send(List<Message> messages)
    {
        if (messages.Count == 0)
        {
            return;
        }

        bool plain = true;
        foreach (ref readonly Message message in CollectionsMarshal.AsSpan(messages))
        {
            plain &= message.Type != MessageType.Snap && message.To != _raft.Id;
        }

        if (plain)
        {
            _parts.Peers.Send(CollectionsMarshal.AsSpan(messages));
            return;
        }

        List<Message> own = [];
        foreach (Message message in messages)
        {
            if (message.To == _raft.Id)
            {
                own.Add(message);
            }
            else if (message.Type == MessageType.Snap)
            {
                _apply.Export(message);
                ApplyWork();
            }
            else
            {
                _toSend.Add(message);
            }
        }

        _parts.Peers.Send(CollectionsMarshal.AsSpan(_toSend));
        _toSend.Clear();
        foreach (Message message in own)
        {
            _raft.Step(message);
        }

        WatchLeadership();
    }

    /// <summary>
    /// Behind the door: what the owner handed over is applied here if that is little and nothing waits for this thread, which
    /// saves a lone request a wake-up; else the apply thread does it.
    /// </summary>
    private bool HandOver()
    {
        int toApply = Interlocked.Exchange(ref _toApply, 0);
        if (toApply == 0)
        {
            return false;
        }

        bool logWaits = IsLogThread && (HasJobs || _proposals.HasArrived);
        if (toApply != 1 || logWaits)
        {
            ApplyWork();
            return true;
        }

        try
        {
            ApplyHere();
            if (_apply.CanMaintain)
            {
                ApplyWork();
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }

        return true;
    }

    private bool ApplyHere()
    {
        bool any = _apply.RunOnce();
        if (_apply.HasNews)
        {
            RunOnce();
            if (Volatile.Read(ref _stopped) is not null)
            {
                _apply.AnswerNews();
            }
        }

        return any;
    }

    private void WatchLeadership()
    {
        MemberId leader = _raft.Leader;
        if (leader != _leaderSeen)
        {
            _leaderSeen = leader;
            if (!leader.IsNone)
            {
                Figures.CountLeaderChange();
                Volatile.Write(ref _leaderSince, _clock.GetTimestamp());
                _reads.LeaderChanged();
            }

            LookAtTransfers();
        }

        Term led = _raft.Role == RaftRole.Leader ? _raft.Term : default;
        if (led == _ledTerm)
        {
            return;
        }

        if (_keepsLeases)
        {
            _keepsLeases = false;
            _parts.Leases.Demote();
        }

        _ledTerm = led;
        // Its first entry is there already: at most this one.
        _termBegan = _raft.LastIndex;
        PublishStatus();
        KeepLeasesIfReady();
        AwaitApplied();
    }

    private void Sweep()
    {
        long now = _clock.GetTimestamp();
        var expired = new List<Proposal>();
        _pending.TakeExpired(now, expired);
        Figures.CountFailedProposals(expired.Count);
        foreach (Proposal proposal in expired)
        {
            CountTimedOut(proposal, now);
            proposal.Settle(new ApplyOutcome(TimeoutOf(proposal.Began), 0));
        }

        AnswerBatch.Post(_parts.Completions, expired);
        _proposals.DropSettled();
        _reads.Expire(now);
        _waiters.Expire(now);
        LookAtTransfers();
    }

    private void CountTimedOut(Proposal proposal, long now)
    {
        if (proposal.Type == EntryType.Normal)
        {
            Figures.Requests.Observe(proposal.Field, succeeded: false, _clock.GetElapsedTime(proposal.Began, now));
        }
    }

    private void Give(List<Proposal> proposals, EtcdError error)
    {
        // Only those that nobody else has answered meanwhile.
        proposals.RemoveAll(proposal => !_pending.TryTake(proposal.Id, out _));
        Figures.CountFailedProposals(proposals.Count);
        Refuse(proposals, error);
        proposals.Clear();
    }

    /// <summary>Tells the transport who the members are, as soon as this is known to be not the past that is being replayed.</summary>
    private void ConnectPeers()
    {
        ClusterState.Snapshot now = _parts.Cluster.Current;
        if (now.Removed.Contains(_raft.Id))
        {
            _removed.TrySetResult();
        }

        // A damaged state is replayed by nobody: it comes from the others, who are to be found as far as they are known.
        _isReplaying = _apply.Applied < _recoveredThrough && !_apply.IsDamaged;
        if (_isReplaying)
        {
            return;
        }

        IEnumerable<PeerAddress> peers = now.Members.Where(m => m.Id != _raft.Id).Select(m => new PeerAddress(m.Id, m.PeerUrls));
        if (now.Find(_raft.Id) is null)
        {
            // It joins, and does not know yet what the cluster looks like.
            peers = peers.Concat(_parts.KnownPeers.Where(p => now.Find(p.Member) is null && !now.Removed.Contains(p.Member)));
        }

        _parts.Peers.SetPeers([.. peers], now.Removed);
    }

    private void EndOwner(EtcdError why)
    {
        _reads.FailAsking(why);
        _reads.FailArriving(why);
        _apply.AnswerNews();
        EndQuestions(why);
    }
}
