using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>What this member is in the current term.</summary>
public enum RaftRole
{
    /// <summary>Takes entries from a leader.</summary>
    Follower,

    /// <summary>Asks whether it would be elected.</summary>
    PreCandidate,

    /// <summary>Asks for votes.</summary>
    Candidate,

    /// <summary>Gives entries their place.</summary>
    Leader,
}

/// <summary>What became of an input.</summary>
public enum StepResult
{
    /// <summary>Taken.</summary>
    Accepted,

    /// <summary>A proposal or read that was not taken: no leader is known, or a transfer is under way, or a limit is reached.</summary>
    Dropped,

    /// <summary>From an older term, or for another member: without effect.</summary>
    Ignored,
}

/// <summary>An index at which reads with a context are linearizable, once it is applied (raft thesis 6.4).</summary>
/// <param name="Index">Serve the read when this index is applied.</param>
/// <param name="Context">What came with the request.</param>
public readonly record struct ReadState(LogIndex Index, ReadOnlyMemory<byte> Context);

/// <summary>
/// What the state machine wants done, taken by <see cref="IRaft.Ready"/>. The owner reuses one instance; its lists are
/// valid until the next call. A message to this member itself (a candidate's own vote) is given back to
/// <see cref="IRaft.Step"/> when it may leave. Order that must be kept:
/// <list type="number">
/// <item><see cref="Messages"/> may leave at once: none of them claims anything that is not yet durable here.</item>
/// <item><see cref="HardState"/> and <see cref="Entries"/> go to the WAL; when they are durable, the owner calls
/// <see cref="IRaft.OnAppended"/> and lets <see cref="MessagesAfterAppend"/> leave (raft thesis 10.2.1: a leader may send
/// while its own write is under way, an answer to a vote or an append may not).</item>
/// <item>A <see cref="Snapshot"/> comes before the entries of the same Ready: it is saved, and recorded in the WAL, before the
/// <see cref="MessagesAfterAppend"/> leave, and installed before any <see cref="CommittedEntries"/> of this or a later Ready.
/// <see cref="IRaft.OnApplied"/> with its index says that it is installed.</item>
/// <item><see cref="CommittedEntries"/> are durable in this member's own WAL already, and are applied in order.</item>
/// </list>
/// </summary>
public sealed class Ready
{
    // A recovery hands over the whole log at once; what is usual afterwards fits this.
    private const int CapacityKept = 8192;

    /// <summary>To be made durable with <see cref="Entries"/>; null if unchanged.</summary>
    public HardState? HardState { get; set; }

    /// <summary>A snapshot from the leader that replaces the log and the state here; null if there is none.</summary>
    public Snapshot? Snapshot { get; set; }

    /// <summary>New entries for the WAL, in order. The first may replace entries that were taken before: a new leader's log won.</summary>
    public List<Entry> Entries { get; } = [];

    /// <summary>Committed entries that are durable here, to be applied in order.</summary>
    public List<Entry> CommittedEntries { get; } = [];

    /// <summary>Messages that may leave now.</summary>
    public List<Message> Messages { get; } = [];

    /// <summary>
    /// Messages that may leave only when <see cref="Entries"/> and <see cref="HardState"/> are durable, and those of every Ready
    /// before: an answer may speak of what was handed over earlier.
    /// </summary>
    public List<Message> MessagesAfterAppend { get; } = [];

    /// <summary>Reads that were confirmed.</summary>
    public List<ReadState> ReadStates { get; } = [];

    /// <summary>
    /// Whether the WAL write must be synced before it counts: there are entries, or term or vote changed, or a change of the
    /// configuration is committed. Any other move of the commit index need not be (raft thesis 3.8: commit index is not persistent
    /// state), and is handed over with the next write only.
    /// </summary>
    public bool MustSync { get; set; }

    /// <summary>Whether there is anything to write to the WAL.</summary>
    public bool HasAppend => Entries.Count > 0 || HardState is not null || Snapshot is not null;

    /// <summary>Makes it empty for the next use.</summary>
    public void Clear()
    {
        HardState = null;
        Snapshot = null;
        Clear(Entries);
        Clear(CommittedEntries);
        Clear(Messages);
        Clear(MessagesAfterAppend);
        Clear(ReadStates);
        MustSync = false;
    }

    private static void Clear<T>(List<T> list)
    {
        list.Clear();
        if (list.Capacity > CapacityKept)
        {
            list.Capacity = 0;
        }
    }
}
