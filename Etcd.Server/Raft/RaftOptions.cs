using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>What a raft node is told once. The defaults are etcd's.</summary>
public sealed record RaftOptions
{
    /// <summary>This member.</summary>
    public required MemberId Id { get; init; }

    /// <summary>Ticks without a leader after which an election begins; the actual timeout is drawn from [n, 2n) (raft thesis 3.4).</summary>
    public int ElectionTicks { get; init; } = 10;

    /// <summary>Ticks between two heartbeats of a leader.</summary>
    public int HeartbeatTicks { get; init; } = 1;

    /// <summary>Ask before a term is begun whether an election could be won (raft thesis 9.6).</summary>
    public bool PreVote { get; init; } = true;

    /// <summary>
    /// A leader that has not heard from a quorum for an election timeout steps down, and members that have heard from a
    /// leader within one give no vote to others (raft thesis 6.2 and 4.2.3).
    /// </summary>
    public bool CheckQuorum { get; init; } = true;

    /// <summary>Largest sum of entry bytes in one append message (etcd: 1 MiB). One entry is always sent, however large.</summary>
    public int MessageBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Append messages that may be under way to one follower (etcd: 4096/8).</summary>
    public int InflightMessagesMax { get; init; } = 512;

    /// <summary>Bytes of entries that may be under way to one follower; 0 for no bound.</summary>
    public long InflightBytesMax { get; init; }

    /// <summary>Bytes of entries that a leader takes beyond what is committed; proposals above are dropped (etcd: 1 GiB).</summary>
    public long UncommittedBytesMax { get; init; } = 1L << 30;

    /// <summary>
    /// Applied entries that are kept in memory for followers that lag; one further behind gets a snapshot
    /// (--snapshot-catchup-entries). A sole voter keeps none.
    /// </summary>
    public int CatchUpEntries { get; init; } = 5000;

    /// <summary>
    /// Draws a number from [0, n). Injected and seeded by the owner, so that a run can be repeated; different in every member, or
    /// elections would split for ever.
    /// </summary>
    public required Func<int, int> Random { get; init; }
}

/// <summary>What recovery found on the disk.</summary>
/// <param name="HardState">The saved state; default for a new log.</param>
/// <param name="Snapshot">The last snapshot; null if the log begins at its beginning.</param>
/// <param name="Entries">The durable log behind the snapshot, in order.</param>
/// <param name="Applied">The index that the state machine already holds: the snapshot's, or beyond it.</param>
/// <param name="Configuration">The configuration as of <paramref name="Applied"/>.</param>
public sealed record RecoveredLog(
    HardState HardState, Snapshot? Snapshot, IReadOnlyList<Entry> Entries, LogIndex Applied, ConfState Configuration);

/// <summary>How a leader sends to one follower (raft's progress states).</summary>
public enum ProgressState
{
    /// <summary>One append at a time, until it is known where the logs agree.</summary>
    Probe,

    /// <summary>Appends are sent without waiting for answers.</summary>
    Replicate,

    /// <summary>A snapshot is under way; no appends until it has arrived or failed.</summary>
    Snapshot,
}

/// <summary>What a leader knows of one member's log.</summary>
/// <param name="Member">The member; the leader itself is among them.</param>
/// <param name="IsLearner">Whether it only receives.</param>
/// <param name="Match">The highest index known to be durable there.</param>
/// <param name="Next">The next index to send.</param>
/// <param name="State">How entries are sent.</param>
/// <param name="RecentActive">Whether it was heard of since the last look for a quorum.</param>
public readonly record struct MemberProgress(
    MemberId Member, bool IsLearner, LogIndex Match, LogIndex Next, ProgressState State, bool RecentActive);
