using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Io;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <content>What clients ask. Any thread, never blocking.</content>
public sealed partial class MemberNode
{
    private long _leaderSince;

    /// <inheritdoc/>
    public Task<ApplyOutcome> ProposeAsync(RaftCommand command)
    {
        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            return Task.FromException<ApplyOutcome>(stopped.ToException());
        }

        // It would be applied everywhere else, and nobody here would hear of it. An alarm is for the others, however far this one is behind.
        bool isDamaged = _apply.IsDamaged;
        if (isDamaged && command.Kind != RaftCommandKind.Alarm)
        {
            return Task.FromException<ApplyOutcome>(EtcdErrors.Corrupt.ToException());
        }

        if ((!isDamaged && Committed > Applied + Limits.CommittedApplyGapMax) || _proposals.IsFull)
        {
            return Task.FromException<ApplyOutcome>(EtcdErrors.TooManyRequests.ToException());
        }

        command.Seal(Ids.Next());
        if (command.Data.Length > _options.RequestBytesMax)
        {
            return Task.FromException<ApplyOutcome>(EtcdErrors.RequestTooLarge.ToException());
        }

        long now = _clock.GetTimestamp();
        var proposal = new Proposal(command.Id, EntryType.Normal, command.Data, now, now + _options.RequestTimeoutTimestamps(_clock))
        {
            Field = (int)command.Kind,
        };
        Propose(proposal);
        return proposal.Task;
    }

    /// <summary>
    /// Raises this member's NOSPACE alarm. Completes when it is applied or could not be raised; never faults.
    /// </summary>
    public Task RaiseNoSpaceAsync() => _noSpace.RaiseAsync();

    /// <summary>
    /// Proposes a change of the membership and completes when this member has applied it and raft knows of it. Whether the change
    /// is wise (a quorum would be left, a learner has caught up) is for the caller to ask before; whether it is possible is
    /// checked when it is applied.
    /// </summary>
    /// <param name="change">The change.</param>
    /// <returns>As <see cref="ProposeAsync"/>; a refused change is its error.</returns>
    public Task<ApplyOutcome> ProposeConfChangeAsync(ConfChangeCommand change)
    {
        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            return Task.FromException<ApplyOutcome>(stopped.ToException());
        }

        if (_proposals.HasManyChanges)
        {
            return Task.FromException<ApplyOutcome>(EtcdErrors.TooManyRequests.ToException());
        }

        ulong id = Ids.Next();
        long now = _clock.GetTimestamp();
        byte[] data = (change with { RequestId = id }).Encode();
        var proposal = new Proposal(id, EntryType.ConfChange, data, now, now + _options.RequestTimeoutTimestamps(_clock));
        Propose(proposal);
        return proposal.Task;
    }

    /// <inheritdoc cref="IReads.LinearizeAsync"/>
    public ValueTask LinearizeAsync(CancellationToken cancellation)
    {
        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            return ValueTask.FromException(stopped.ToException());
        }

        if (_apply.IsDamaged)
        {
            return ValueTask.FromException(EtcdErrors.Corrupt.ToException());
        }

        if (!Volatile.Read(ref _readsAreLocal))
        {
            var asking = new ClientRead(Deadline(), cancellation);
            Ask(asking);
            return new ValueTask(asking.Task);
        }

        LogIndex index = Committed;
        return Applied >= index ? ValueTask.CompletedTask : new ValueTask(WaitApplied(index, cancellation));
    }

    /// <summary>Completes when an index is applied and visible, however long that takes; faults when the member stops.</summary>
    /// <param name="index">The index.</param>
    public Task WhenApplied(LogIndex index)
    {
        Task task = _waiters.WaitFor(index);
        LookAtWaiters(index);
        return task;
    }

    /// <summary>
    /// Takes the whole state out as of the last applied entry. Any thread; faults with "server stopped". The caller disposes it.
    /// </summary>
    public Task<ISnapshotContent> ExportAsync()
    {
        var copy = new TaskCompletionSource<ISnapshotContent>(TaskCreationOptions.RunContinuationsAsynchronously);
        _apply.Export(copy);
        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            // The stop may have looked through those who wait before this one was among them.
            _apply.FailExports(stopped);
        }

        ApplyWork();
        return copy.Task;
    }

    /// <summary>Asks whether this member leads, by a round of reads; the answer comes from the completions, or at once.</summary>
    internal void CheckLeadership(Action<EtcdError?> answered)
    {
        if (Volatile.Read(ref _readsAreLocal))
        {
            answered(null);
        }
        else
        {
            Ask(new LeadershipCheck(Deadline(), answered));
        }
    }

    /// <summary>Proposes a command as the leader of a term, or not at all. Not bounded: the caller is.</summary>
    internal Task<ApplyOutcome> ProposeAsLeaderAsync(RaftCommand command, Term term)
    {
        command.Seal(Ids.Next());
        long now = _clock.GetTimestamp();
        var proposal = new Proposal(command.Id, EntryType.Normal, command.Data, now, now + _options.RequestTimeoutTimestamps(_clock))
        {
            Field = (int)command.Kind,
            OnlyIn = term,
        };
        Propose(proposal);
        return proposal.Task;
    }

    private long Deadline() => _clock.GetTimestamp() + _options.RequestTimeoutTimestamps(_clock);

    private void Propose(Proposal proposal)
    {
        _pending.Add(proposal);
        _proposals.Add(proposal);
        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            // The stop may have looked through the waiting requests before this one was among them.
            FailAll(stopped);
            return;
        }

        // Who writes looks for requests when it is done; the fence keeps this look behind the request.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _underWay) > 0 && proposal.Type == EntryType.Normal)
        {
            return;
        }

        if (Volatile.Read(ref _readsAreLocal))
        {
            // Nobody else must hear of it first; and while the log thread wakes up, more may come.
            LogWork();
        }
        else
        {
            RunOnce();
        }
    }

    private void Ask(IRead read)
    {
        _reads.Add(read);
        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            _reads.FailArriving(stopped);
        }

        Interlocked.MemoryBarrier();
        if (!_reads.IsUnderWay)
        {
            RunOnce();
        }
    }

    private Task WaitApplied(LogIndex index, CancellationToken cancellation)
    {
        var read = new ClientRead(Deadline(), cancellation);
        _waiters.Add(index, read);
        LookAtWaiters(index);
        return read.Task;
    }

    private void LookAtWaiters(LogIndex index)
    {
        if (Applied >= index)
        {
            _waiters.Release(Applied);
        }

        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            _waiters.Fail(stopped);
        }
    }

    /// <summary>Why a request may have timed out, as etcd guesses it.</summary>
    private EtcdError TimeoutOf(long began)
    {
        long elected = Volatile.Read(ref _leaderSince);
        long lost = elected - NodeOptions.Timestamps(2 * _options.ElectionTimeout, _clock);
        if (elected != 0 && began > lost && began < elected)
        {
            return EtcdErrors.TimeoutDueToLeaderFail;
        }

        MemberId leader = _raft.Leader;
        if (leader.IsNone)
        {
            return EtcdErrors.Timeout;
        }

        DateTimeOffset since = _clock.GetUtcNow() - _clock.GetElapsedTime(began);
        bool connected = leader == _raft.Id ? IsConnectedToQuorumSince(since) : IsConnectedSince(leader, since);
        return connected ? EtcdErrors.Timeout : EtcdErrors.TimeoutDueToConnectionLost;
    }

    private bool IsConnectedSince(MemberId member, DateTimeOffset since) => _parts.Peers.ActiveSince(member) < since;

    private bool IsConnectedToQuorumSince(DateTimeOffset since)
    {
        IReadOnlyList<Member> members = _parts.Cluster.Current.Members;
        int connected = members.Count(m => m.Id == _raft.Id || IsConnectedSince(m.Id, since));
        return connected >= (members.Count / 2) + 1;
    }
}
