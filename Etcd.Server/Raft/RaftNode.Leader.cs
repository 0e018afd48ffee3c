using Etcd.Server.Primitives;
using Etcd.Server.Raft.Tracker;

namespace Etcd.Server.Raft;

/// <content>What a leader does: proposals, replication, commitment, transfer (raft thesis 3.5, 3.6, 3.10).</content>
public sealed partial class RaftNode
{
    // No change of the membership is taken before this index is applied.
    private LogIndex _pendingChange;
    private LogIndex _termBegan;
    private long _uncommittedBytes;

    private StepResult StepLeader(in Message message)
    {
        if (_members.Find(message.From) is not { } from)
        {
            return StepResult.Ignored;
        }

        switch (message.Type)
        {
            case MessageType.AppResp:
                return message.Reject ? OnRefused(from, message) : OnTaken(from, message.Index);
            case MessageType.HeartbeatResp:
                OnHeartbeatAnswer(from, message.Context.Span);
                return StepResult.Accepted;
            case MessageType.TransferLeader:
                return Transfer(from);
            default:
                return StepResult.Ignored;
        }
    }

    private StepResult Propose(in Message message, bool mine)
    {
        if (Role != RaftRole.Leader)
        {
            return Forward(message, mine);
        }

        if (!mine && _members.Find(message.From) is null)
        {
            return StepResult.Ignored;
        }

        ReadOnlySpan<Entry> entries = message.Entries.Span;
        long bytes = 0;
        foreach (ref readonly Entry entry in entries)
        {
            if (entry.Type > EntryType.ConfChange)
            {
                return StepResult.Ignored;
            }

            bytes += entry.Data.Length;
        }

        bool isOverLimit = _uncommittedBytes > 0 && bytes > 0 && _uncommittedBytes + bytes > _options.UncommittedBytesMax;
        if (isOverLimit || !TransferTarget.IsNone)
        {
            return StepResult.Dropped;
        }

        foreach (ref readonly Entry entry in entries)
        {
            AppendProposal(entry);
        }

        BroadcastAppend();
        return StepResult.Accepted;
    }

    private void AppendProposal(in Entry entry)
    {
        if (entry.Type == EntryType.ConfChange)
        {
            if (!TakesChanges)
            {
                // One at a time (raft thesis 4.1): the place in the log is taken, but nothing comes of it.
                _log.Append(Term, EntryType.Normal, default);
                return;
            }

            _pendingChange = _log.Last.Next;
        }

        _log.Append(Term, entry.Type, entry.Data);
        _uncommittedBytes += entry.Data.Length;
    }

    private void BroadcastAppend()
    {
        for (int i = 0; i < _members.Count; i++)
        {
            if (_members[i].Id != Id)
            {
                SendAppend(_members[i], evenIfEmpty: true);
            }
        }
    }

    /// <summary>
    /// Sends a follower what it lacks, as far as one message may hold; an empty message tells of the commit index.
    /// </summary>
    /// <returns>Whether anything was sent.</returns>
    private bool SendAppend(Progress to, bool evenIfEmpty)
    {
        if (to.IsPaused)
        {
            return false;
        }

        if (to.Next <= _log.Forgotten)
        {
            return SendSnapshot(to);
        }

        bool sent = false;
        long budget = _options.MessageBytesMax;
        do
        {
            ReadOnlyMemory<Entry> entries = default;
            long payload = 0;
            long bytes = 0;
            // A full window lets an empty message through: its answer shows whether those under way were lost.
            if (to.State == ProgressState.Probe || !to.Inflights.IsFull)
            {
                entries = _log.Slice(to.Next, budget, out payload, out bytes);
            }

            if (entries.IsEmpty && (sent || !evenIfEmpty))
            {
                return sent;
            }

            SendAppend(to, entries, payload);
            sent = true;
            budget -= bytes;
            // A slice ends with its chunk; what belongs to the same message follows in a second one.
        }
        while (budget > 0 && to.State == ProgressState.Replicate && !to.IsPaused && EndsChunk(to.Next));
        return true;
    }

    private bool EndsChunk(LogIndex next) => next <= _log.Last && next.Value % EntryChunks.Size == 0;

    private void SendAppend(Progress to, ReadOnlyMemory<Entry> entries, long payload)
    {
        var previous = new LogIndex(to.Next.Value - 1);
        Send(new Message
        {
            Type = MessageType.App,
            To = to.Id,
            Index = previous,
            LogTerm = _log.TermOrZero(previous),
            Entries = entries,
            Commit = _log.Committed,
        });
        to.Sent(entries.Length, payload);
        to.SentCommit = _log.Committed;
    }

    private bool SendSnapshot(Progress to)
    {
        if (!to.RecentActive)
        {
            // It would not arrive, and it is large.
            return false;
        }

        to.BecomeSnapshot(_log.Applied);
        Send(new Message
        {
            Type = MessageType.Snap,
            To = to.Id,
            Snapshot = new Snapshot(_log.Applied, _log.TermOrZero(_log.Applied), _appliedConfiguration, default),
        });
        return true;
    }

    private void BroadcastHeartbeat()
    {
        ReadOnlyMemory<byte> mark = _reads.Mark;
        for (int i = 0; i < _members.Count; i++)
        {
            Progress to = _members[i];
            if (to.Id == Id)
            {
                continue;
            }

            // Never beyond what the follower is known to have: its log may end elsewhere.
            LogIndex commit = to.Match < _log.Committed ? to.Match : _log.Committed;
            Send(new Message { Type = MessageType.Heartbeat, To = to.Id, Commit = commit, Context = mark });
            to.SentCommit = commit;
        }
    }

    private StepResult OnTaken(Progress from, LogIndex index)
    {
        if (index > _log.Last)
        {
            return StepResult.Ignored;
        }

        from.RecentActive = true;
        // An answer that brings nothing new still shows that a probed member agrees.
        if (!from.MaybeUpdate(index) && !(index == from.Match && from.State == ProgressState.Probe))
        {
            return StepResult.Accepted;
        }

        switch (from.State)
        {
            case ProgressState.Probe:
                from.BecomeReplicate();
                break;
            case ProgressState.Snapshot when from.Match >= _log.Forgotten || from.Match >= from.PendingSnapshot:
                // Whatever snapshot it has got, by whatever way: the log goes on from there. If the log has gone on without it
                // meanwhile, the next snapshot does.
                from.BecomeProbe();
                from.BecomeReplicate();
                break;
            case ProgressState.Replicate:
                from.Inflights.FreeThrough(index);
                break;
        }

        if (!AdvanceCommit() && from.CanRaiseCommit(_log.Committed))
        {
            SendAppend(from, evenIfEmpty: true);
        }

        // The window may have room for several messages now.
        while (SendAppend(from, evenIfEmpty: false))
        {
        }

        if (from.Id == TransferTarget && from.Match == _log.Last)
        {
            SendTimeoutNow(from.Id);
        }

        return StepResult.Accepted;
    }

    private StepResult OnRefused(Progress from, in Message message)
    {
        from.RecentActive = true;
        LogIndex hint = message.RejectHint < _log.Last ? message.RejectHint : _log.Last;
        if (message.LogTerm > default(Term))
        {
            // The follower has this term at the hint, and lower ones before: where our terms are higher the logs cannot agree.
            (hint, _) = _log.FindConflict(hint, message.LogTerm);
        }

        if (from.MaybeDecrease(message.Index, hint))
        {
            if (from.State == ProgressState.Replicate)
            {
                from.BecomeProbe();
            }

            SendAppend(from, evenIfEmpty: true);
        }

        return StepResult.Accepted;
    }

    private void OnHeartbeatAnswer(Progress from, ReadOnlySpan<byte> mark)
    {
        from.RecentActive = true;
        from.Release();
        if (from.Match < _log.Last || from.State == ProgressState.Probe)
        {
            SendAppend(from, evenIfEmpty: true);
        }

        OnMark(from, mark);
    }

    private StepResult OnUnreachable(MemberId id)
    {
        if (Role != RaftRole.Leader || id == Id || _members.Find(id) is not { } member)
        {
            return StepResult.Ignored;
        }

        // Of several appends under way one is probably lost.
        if (member.State == ProgressState.Replicate)
        {
            member.BecomeProbe();
        }

        return StepResult.Accepted;
    }

    private StepResult OnSnapshotStatus(MemberId id, bool failed)
    {
        if (Role != RaftRole.Leader || _members.Find(id) is not { State: ProgressState.Snapshot } member)
        {
            return StepResult.Ignored;
        }

        member.EndSnapshot(failed);
        return StepResult.Accepted;
    }

    /// <summary>Commits what a majority has, if that is of this term (raft thesis 3.6.2), and tells the followers.</summary>
    /// <returns>Whether anything was committed.</returns>
    private bool AdvanceCommit()
    {
        LogIndex reached = _members.ReachedByMajority();
        LogIndex before = _log.Committed;
        if (reached <= before || _log.TermOrZero(reached) != Term)
        {
            return false;
        }

        _log.CommitTo(reached);
        LogIndex counted = before < _termBegan ? _termBegan : before;
        _uncommittedBytes -= _log.PayloadBetween(counted, reached);
        Invariant.Check(_uncommittedBytes >= 0, "only what was counted is committed");
        ReleasePostponedReads();
        BroadcastAppend();
        return true;
    }

    private StepResult Transfer(Progress target)
    {
        if (target.IsLearner || target.Id == TransferTarget)
        {
            return StepResult.Ignored;
        }

        if (target.Id == Id)
        {
            // It is to stay: whoever was to get the leadership may not have it any more.
            bool isTakenBack = !TransferTarget.IsNone;
            TransferTarget = MemberId.None;
            return isTakenBack ? StepResult.Accepted : StepResult.Ignored;
        }

        // It should be done within an election timeout, or it is given up.
        _electionElapsed = 0;
        TransferTarget = target.Id;
        if (target.Match == _log.Last)
        {
            SendTimeoutNow(target.Id);
        }
        else
        {
            SendAppend(target, evenIfEmpty: true);
        }

        return StepResult.Accepted;
    }

    private void SendTimeoutNow(MemberId to) => Send(new Message { Type = MessageType.TimeoutNow, To = to });

    private void TickLeader()
    {
        _heartbeatElapsed++;
        if (_electionElapsed >= _options.ElectionTicks)
        {
            _electionElapsed = 0;
            if (_options.CheckQuorum)
            {
                CheckQuorum();
            }

            TransferTarget = MemberId.None;
        }

        if (Role == RaftRole.Leader && _heartbeatElapsed >= _options.HeartbeatTicks)
        {
            _heartbeatElapsed = 0;
            BroadcastHeartbeat();
        }
    }

    private void CheckQuorum()
    {
        if (!_members.MajorityIsActive())
        {
            BecomeFollower(Term, MemberId.None);
        }

        for (int i = 0; i < _members.Count; i++)
        {
            _members[i].RecentActive = _members[i].Id == Id;
        }
    }
}
