using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>
/// The consensus core as its owner sees it: a pure state machine. It does no I/O, reads no clock, starts nothing, and
/// is called by one owner at a time. The owner feeds it with <see cref="Step"/> and <see cref="Tick"/>, takes what is to
/// be done with <see cref="Ready"/>, and reports back with <see cref="OnAppended"/> and <see cref="OnApplied"/>.
/// <see cref="Ready"/> may be taken again before the previous one's entries are durable, so that the log is written and
/// replicated in parallel.
/// </summary>
public interface IRaft
{
    /// <summary>This member.</summary>
    MemberId Id { get; }

    /// <summary>The current term.</summary>
    Term Term { get; }

    /// <summary>The leader of the current term as far as known; none during an election.</summary>
    MemberId Leader { get; }

    /// <summary>What this member is now.</summary>
    RaftRole Role { get; }

    /// <summary>The highest index known to be committed.</summary>
    LogIndex Committed { get; }

    /// <summary>The highest index that was reported applied.</summary>
    LogIndex Applied { get; }

    /// <summary>The last index of the log, durable or not.</summary>
    LogIndex LastIndex { get; }

    /// <summary>
    /// The index at which a read that begins now is linearizable, if this member can say so without asking anyone: it is
    /// the only voter, leads, and has committed an entry of its own term (raft thesis 6.4, step 1). Otherwise null, and
    /// the read goes by <see cref="MessageType.ReadIndex"/>.
    /// </summary>
    LogIndex? LocalReadIndex { get; }

    /// <summary>The members as of the last applied configuration change.</summary>
    ConfState Configuration { get; }

    /// <summary>The index before the first entry that is still in memory: a follower that needs it gets a snapshot.</summary>
    LogIndex ForgottenIndex { get; }

    /// <summary>Whom the leadership is being handed to; nobody if to no one.</summary>
    MemberId TransferTarget { get; }

    /// <summary>
    /// Whether this member leads and would take a change of the membership now. If it leads and would not, one is under way, or what it
    /// found when it was elected is not applied: a change becomes an empty entry.
    /// </summary>
    bool TakesChanges { get; }

    /// <summary>What this member, as leader, knows of all members' logs, itself included; nothing if it does not lead.</summary>
    /// <param name="into">Cleared and filled, ascending by id.</param>
    void CopyProgress(List<MemberProgress> into);

    /// <summary>
    /// Takes one message: a peer's, or a local one (proposals are <see cref="MessageType.Prop"/>). What no correct member sends is
    /// ignored, whatever is in it; but messages of a type that <see cref="MessageRules.IsLocal"/> are believed, so those that came
    /// over the network are dropped before. A peer's failure is told as <see cref="MessageType.Unreachable"/> or
    /// <see cref="MessageType.SnapStatus"/> from that peer; a wish to hand the leadership over as
    /// <see cref="MessageType.TransferLeader"/> from the one who is to lead.
    /// </summary>
    /// <param name="message">The message. The array of its entries is free again afterwards; the bytes are not.</param>
    /// <returns>Whether it was taken; a proposal that was not taken changed nothing.</returns>
    StepResult Step(in Message message);

    /// <summary>One heartbeat interval has passed.</summary>
    void Tick();

    /// <summary>Whether <see cref="Ready"/> would return something.</summary>
    bool HasReady { get; }

    /// <summary>Takes what is to be done and clears it here.</summary>
    /// <param name="into">Cleared and filled.</param>
    void Ready(Ready into);

    /// <summary>
    /// The state machine has applied the entry of a configuration change. To be called once for each such entry of
    /// <see cref="Raft.Ready.CommittedEntries"/>, in the order of the log, before <see cref="OnApplied"/> with the entry's index;
    /// for refused changes too, with nobody as the member. A snapshot is reported with <see cref="OnApplied"/> before the changes
    /// that come after it. Changes that the last snapshot holds already, because it came meanwhile, change nothing.
    /// </summary>
    /// <param name="change">The change.</param>
    /// <returns>The configuration from now on.</returns>
    ConfState ApplyConfChange(ConfChange change);

    /// <summary>
    /// Everything up to this entry, and the snapshot and hard state that was taken with it, is durable in this member's WAL. To be
    /// called once for each <see cref="Raft.Ready"/> that had entries or a snapshot, in their order; of several that became
    /// durable together the last one is enough. A report for an entry that was since replaced by another term's is ignored, and
    /// so is one for the middle of a hand-over.
    /// </summary>
    /// <param name="index">The index of the last entry of that hand-over, or of its snapshot if it had no entries.</param>
    /// <param name="term">The term at that index.</param>
    void OnAppended(LogIndex index, Term term);

    /// <summary>
    /// Everything up to this index is applied, or a snapshot with this index is installed; its entries may be forgotten when no
    /// follower needs them.
    /// </summary>
    /// <param name="index">The last applied index.</param>
    void OnApplied(LogIndex index);
}
