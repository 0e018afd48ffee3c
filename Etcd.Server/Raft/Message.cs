using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>The kinds of raft messages with raftpb.MessageType's numbers.</summary>
public enum MessageType
{
    /// <summary>Local: begin an election.</summary>
    Hup = 0,

    /// <summary>Local: a leader's heartbeat is due.</summary>
    Beat = 1,

    /// <summary>Proposals: entries whose term and index the leader gives.</summary>
    Prop = 2,

    /// <summary>A leader's entries for a follower.</summary>
    App = 3,

    /// <summary>The answer to <see cref="App"/>.</summary>
    AppResp = 4,

    /// <summary>A candidate asks for a vote.</summary>
    Vote = 5,

    /// <summary>The answer to <see cref="Vote"/>.</summary>
    VoteResp = 6,

    /// <summary>A leader sends a snapshot.</summary>
    Snap = 7,

    /// <summary>A leader's heartbeat.</summary>
    Heartbeat = 8,

    /// <summary>The answer to <see cref="Heartbeat"/>.</summary>
    HeartbeatResp = 9,

    /// <summary>Local: a follower could not be reached.</summary>
    Unreachable = 10,

    /// <summary>Local: a snapshot was sent, or could not be.</summary>
    SnapStatus = 11,

    /// <summary>Local: does the leader still have a quorum.</summary>
    CheckQuorum = 12,

    /// <summary>Hand the leadership over.</summary>
    TransferLeader = 13,

    /// <summary>Begin an election now, by the leader's wish.</summary>
    TimeoutNow = 14,

    /// <summary>Ask for an index at which a read is linearizable (raft thesis 6.4).</summary>
    ReadIndex = 15,

    /// <summary>The answer to <see cref="ReadIndex"/>.</summary>
    ReadIndexResp = 16,

    /// <summary>Would you vote for me (raft thesis 9.6).</summary>
    PreVote = 17,

    /// <summary>The answer to <see cref="PreVote"/>.</summary>
    PreVoteResp = 18,
}

/// <summary>
/// One input of the state machine, from a peer or from this member (raftpb.Message). A plain value: whoever makes one
/// fills what its type needs and leaves the rest.
/// </summary>
public readonly record struct Message()
{
    /// <summary>The kind.</summary>
    public required MessageType Type { get; init; }

    /// <summary>Who it is for.</summary>
    public MemberId To { get; init; }

    /// <summary>Who sent it.</summary>
    public MemberId From { get; init; }

    /// <summary>The sender's term; zero for local messages.</summary>
    public Term Term { get; init; }

    /// <summary>The term of the entry before <see cref="Entries"/>.</summary>
    public Term LogTerm { get; init; }

    /// <summary>The index of the entry before <see cref="Entries"/>, or the one that is answered.</summary>
    public LogIndex Index { get; init; }

    /// <summary>
    /// The entries; in a proposal, term and index are not yet set. Those of a message that a member sends stay as they are for as
    /// long as anybody looks at them.
    /// </summary>
    public ReadOnlyMemory<Entry> Entries { get; init; }

    /// <summary>What the sender knows to be committed.</summary>
    public LogIndex Commit { get; init; }

    /// <summary>Whether the request is refused.</summary>
    public bool Reject { get; init; }

    /// <summary>A refusing follower's hint: where its log may match.</summary>
    public LogIndex RejectHint { get; init; }

    /// <summary>The snapshot of a <see cref="MessageType.Snap"/>; null in all others.</summary>
    public Snapshot? Snapshot { get; init; }

    /// <summary>
    /// Opaque bytes that come back in the answer: a read's id, a transfer's mark. raftpb carries the id of a
    /// <see cref="MessageType.ReadIndex"/> and its answer as the data of one entry instead; the codec moves it.
    /// </summary>
    public ReadOnlyMemory<byte> Context { get; init; }
}
