using Etcd.Server.Primitives;

namespace Etcd.Server.Raft.Tracker;

/// <summary>
/// What a leader knows of one member's log, and how it sends to it. In <see cref="ProgressState.Probe"/> one append is under
/// way at a time, because it is not known where the logs agree; in <see cref="ProgressState.Replicate"/> appends follow each
/// other without waiting, within <see cref="Inflights"/>; in <see cref="ProgressState.Snapshot"/> nothing is sent until the
/// snapshot has arrived or failed.
/// </summary>
/// <param name="id">The member.</param>
/// <param name="isLearner">Whether it only receives.</param>
/// <param name="inflights">The window of this member.</param>
internal sealed class Progress(MemberId id, bool isLearner, Inflights inflights)
{
    /// <summary>The member.</summary>
    public MemberId Id { get; } = id;

    /// <summary>Whether it only receives.</summary>
    public bool IsLearner { get; set; } = isLearner;

    /// <summary>The highest index that is known to be durable there and to agree. Invariant: smaller than <see cref="Next"/>.</summary>
    public LogIndex Match { get; private set; }

    /// <summary>The next index to send.</summary>
    public LogIndex Next { get; private set; } = new(1);

    /// <summary>How entries are sent.</summary>
    public ProgressState State { get; private set; }

    /// <summary>The index of the snapshot that is under way; zero if none is.</summary>
    public LogIndex PendingSnapshot { get; private set; }

    /// <summary>Whether it was heard of since the last look for a quorum.</summary>
    public bool RecentActive { get; set; }

    /// <summary>
    /// Whether nothing more is sent until there is an answer or a heartbeat's answer: a probe is under way, or the window is full.
    /// </summary>
    public bool IsHeld { get; private set; }

    /// <summary>The highest commit index that was sent; a hint, which may fall back.</summary>
    public LogIndex SentCommit { get; set; }

    /// <summary>Appends that were sent and not yet answered.</summary>
    public Inflights Inflights { get; } = inflights;

    /// <summary>The newest of this leader's marks that came back from it (<see cref="ReadConfirmation"/>).</summary>
    public ulong AcknowledgedMark { get; set; }

    /// <summary>Its vote in the election that is under way; null if it has not answered.</summary>
    public bool? Vote { get; set; }

    /// <summary>Whether no append may be sent now.</summary>
    public bool IsPaused => IsHeld || State == ProgressState.Snapshot;

    /// <summary>Begins anew, for a new term or role.</summary>
    /// <param name="match">What is known to agree: nothing, except of the own log.</param>
    /// <param name="next">The next index to send.</param>
    public void Reset(LogIndex match, LogIndex next)
    {
        Match = match;
        Next = next;
        SentCommit = default;
        RecentActive = false;
        AcknowledgedMark = 0;
        Enter(ProgressState.Probe);
    }

    /// <summary>Sends one at a time from now on, from behind what is known to agree or behind the snapshot that was sent.</summary>
    public void BecomeProbe()
    {
        LogIndex known = State == ProgressState.Snapshot && PendingSnapshot > Match ? PendingSnapshot : Match;
        Enter(ProgressState.Probe);
        Next = known.Next;
        LimitSentCommit();
    }

    /// <summary>Sends without waiting from now on, from behind what is known to agree.</summary>
    public void BecomeReplicate()
    {
        Enter(ProgressState.Replicate);
        Next = Match.Next;
    }

    /// <summary>Sends nothing until the snapshot has arrived or failed.</summary>
    /// <param name="index">The snapshot's index.</param>
    public void BecomeSnapshot(LogIndex index)
    {
        Enter(ProgressState.Snapshot);
        PendingSnapshot = index;
        Next = index.Next;
        SentCommit = index;
    }

    /// <summary>The snapshot's fate was reported.</summary>
    /// <param name="failed">Whether it did not arrive.</param>
    public void EndSnapshot(bool failed)
    {
        if (failed)
        {
            PendingSnapshot = default;
        }

        BecomeProbe();
        // After success the follower's own answer comes next; after a failure a heartbeat's time passes before the next try.
        IsHeld = true;
    }

    /// <summary>An append was sent.</summary>
    /// <param name="entries">How many entries it has.</param>
    /// <param name="bytes">Their bytes.</param>
    public void Sent(int entries, long bytes)
    {
        Invariant.Check(State != ProgressState.Snapshot, "nothing is appended while a snapshot is under way");
        if (State == ProgressState.Probe)
        {
            IsHeld |= entries > 0;
            return;
        }

        if (entries > 0)
        {
            Next += (ulong)entries;
            Inflights.Add(new LogIndex(Next.Value - 1), bytes);
        }

        IsHeld = Inflights.IsFull;
    }

    /// <summary>A heartbeat was answered: one more append may be tried, in case those that are under way were lost.</summary>
    public void Release() => IsHeld = false;

    /// <summary>The follower has everything up to an index.</summary>
    /// <returns>False if that was known.</returns>
    public bool MaybeUpdate(LogIndex index)
    {
        if (index <= Match)
        {
            return false;
        }

        Match = index;
        Next = index.Next > Next ? index.Next : Next;
        IsHeld = false;
        return true;
    }

    /// <summary>The follower refused an append.</summary>
    /// <param name="rejected">The index before the entries of the refused message.</param>
    /// <param name="hint">The highest index at which the logs may agree.</param>
    /// <returns>False if the answer is older than what is known, and changes nothing.</returns>
    public bool MaybeDecrease(LogIndex rejected, LogIndex hint)
    {
        if (State == ProgressState.Replicate)
        {
            if (rejected <= Match)
            {
                return false;
            }

            Next = Match.Next;
            LimitSentCommit();
            return true;
        }

        // There is one probe at a time: an answer about another index is old, or doubled.
        if (Next.Value - 1 != rejected.Value)
        {
            return false;
        }

        LogIndex next = rejected < hint.Next ? rejected : hint.Next;
        Next = next > Match ? next : Match.Next;
        LimitSentCommit();
        IsHeld = false;
        return true;
    }

    /// <summary>Whether sending this commit index can move the follower's.</summary>
    public bool CanRaiseCommit(LogIndex commit) => commit > SentCommit && SentCommit.Next < Next;

    /// <summary>As others see it.</summary>
    public MemberProgress ToMemberProgress() => new(Id, IsLearner, Match, Next, State, RecentActive);

    private void Enter(ProgressState state)
    {
        IsHeld = false;
        PendingSnapshot = default;
        State = state;
        Inflights.Clear();
    }

    private void LimitSentCommit()
    {
        if (SentCommit >= Next)
        {
            SentCommit = new LogIndex(Next.Value - 1);
        }
    }
}
