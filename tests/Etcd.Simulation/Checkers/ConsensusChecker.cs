using System.Runtime.InteropServices;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Engine;

namespace Etcd.Simulation.Checkers;

/// <summary>
/// Raft's promises (raft paper figure 3.2, thesis 3.6, 10.2.1), checked from the outside: by what members write to their
/// logs, what they send, and what they apply. It shares no code with the core and asks it for nothing but its role, term and
/// commit index.
/// </summary>
internal sealed class ConsensusChecker
{
    private readonly Dictionary<ulong, DiskModel> _disks = [];
    private readonly Dictionary<ulong, ulong> _leaders = [];
    private readonly Dictionary<(ulong Member, ulong Term), ulong> _votes = [];
    private readonly Dictionary<(ulong Index, ulong Term), (ulong Hash, ulong PreviousTerm)> _entries = [];
    private readonly Dictionary<ulong, Leadership> _leading = [];
    private readonly Dictionary<ulong, (ulong Term, ulong Committed)> _completenessDue = [];
    private readonly List<(ulong Term, ulong Hash)> _committed = [(0, 0)];

    /// <summary>Entries that every first member begins with: committed without anybody counting.</summary>
    public ulong FirstEntries { get; init; }

    /// <summary>The highest index that any member has applied.</summary>
    public ulong Committed => (ulong)_committed.Count - 1;

    /// <summary>The voters after each applied change, newest last; the last few are kept.</summary>
    private readonly List<IReadOnlyList<MemberId>> _configurations = [];

    /// <summary>Elections that were won.</summary>
    public int Elections => _leaders.Count;

    /// <summary>The disk of a member as the observer knows it.</summary>
    public DiskModel Disk(MemberId member)
    {
        ref DiskModel? disk = ref CollectionsMarshal.GetValueRefOrAddDefault(_disks, member.Value, out _);
        return disk ??= new DiskModel();
    }

    /// <summary>Whether any member has this in its log, by what was written or sent.</summary>
    public bool Knows(ulong index, ulong term) => _entries.ContainsKey((index, term));

    /// <summary>The term of a committed entry.</summary>
    public ulong CommittedTerm(ulong index) => _committed[(int)index].Term;

    /// <summary>A new member begins with entries that every first member has.</summary>
    public void OnBegin(MemberId member, HardState state, IReadOnlyList<Entry> entries)
    {
        Disk(member).Begin(state, entries.Select(e => (e.Index.Value, e.Term.Value, HashOf(e))));
        ulong previous = 0;
        foreach (Entry entry in entries)
        {
            Identify(member, entry, previous, remember: true);
            previous = entry.Term.Value;
        }
    }

    /// <summary>A member appends to its log.</summary>
    public void OnAppend(MemberId member, HardState? state, ReadOnlySpan<Entry> entries)
    {
        DiskModel disk = Disk(member);
        foreach (ref readonly Entry entry in entries)
        {
            ulong index = entry.Index.Value;
            if (index > disk.Log.Last + 1 || index <= disk.Log.Base)
            {
                throw new SimulationFailure("log order", $"{member} appends entry {index} to a log of {disk.Log.Base}..{disk.Log.Last}");
            }

            ulong previous = disk.Log.TermAt(index - 1);
            if (entry.Term.Value < previous)
            {
                throw new SimulationFailure("log order", $"{member} appends entry {index} of term {entry.Term.Value} behind one of term {previous}");
            }

            if (_completenessDue.TryGetValue(member.Value, out (ulong Term, ulong Committed) due) && due.Term == entry.Term.Value)
            {
                _completenessDue.Remove(member.Value);
                CheckCompleteness(member, entry.Term, due.Committed);
            }

            if (index <= Committed && CommittedTerm(index) != entry.Term.Value && disk.Log.TermAt(index) == CommittedTerm(index))
            {
                throw new SimulationFailure("committed lost", $"{member} replaces the committed entry {index} of term {CommittedTerm(index)} by one of term {entry.Term.Value}");
            }

            disk.AppendEntry(index, entry.Term.Value, Identify(member, entry, previous, remember: false));
        }

        if (state is { IsEmpty: false } next)
        {
            CheckFollows(member, disk.State, next);
            disk.AppendState(next);
        }
    }

    /// <summary>A member writes that it has a snapshot.</summary>
    public void OnSnapshotSaved(MemberId member, LogIndex index, Term term)
    {
        CheckSnapshot(member, index, term);
        Disk(member).AppendSnapshot(index.Value, term.Value);
    }

    /// <summary>A member's log has been synced.</summary>
    public void OnSynced(MemberId member)
    {
        DiskModel disk = Disk(member);
        disk.Sync(Remember);
        if (!disk.DurableState.Vote.IsNone)
        {
            Vote(member, disk.DurableState.Term, disk.DurableState.Vote, "has on disk");
        }
    }

    /// <summary>A member has started again and read its log.</summary>
    public void OnRecovered(MemberId member, HardState state, LogIndex snapshot, Term snapshotTerm, IReadOnlyList<Entry> entries)
    {
        string? wrong = Disk(member).Recover(
            state, snapshot.Value, snapshotTerm.Value, [.. entries.Select(e => (e.Index.Value, e.Term.Value, HashOf(e)))], Remember);
        if (wrong is not null)
        {
            throw new SimulationFailure("recovery", $"{member} {wrong}");
        }

        CheckChanges(member, state, entries);

        _leading.Remove(member.Value);
        _completenessDue.Remove(member.Value);
    }

    /// <summary>A message leaves a member.</summary>
    public void OnSend(MemberId member, in Message message)
    {
        switch (message.Type)
        {
            case MessageType.App:
                Lead(member, message.Term, "sends entries");
                ulong previous = message.LogTerm.Value;
                foreach (ref readonly Entry entry in message.Entries.Span)
                {
                    Identify(member, entry, previous, remember: true);
                    previous = entry.Term.Value;
                }

                break;
            case MessageType.Heartbeat or MessageType.TimeoutNow:
                Lead(member, message.Term, "sends a message of its leader's");
                break;
            case MessageType.Snap:
                Lead(member, message.Term, "sends a snapshot");
                CheckSnapshot(member, message.Snapshot!.Index, message.Snapshot.Term);
                break;
            case MessageType.VoteResp when !message.Reject:
                CheckVoteIsDurable(member, message);
                break;
            // An answer of an older term may leave with the write that already gave its entries up.
            case MessageType.AppResp when !message.Reject
                && message.Term >= Disk(member).DurableState.Term && message.Index.Value > Disk(member).DurableLog.Last:
                throw new SimulationFailure(
                    "durable before answer",
                    $"{member} acknowledges entry {message.Index.Value}; only {Disk(member).DurableLog.Last} is durable");
        }
    }

    /// <summary>A member has done a step.</summary>
    public void OnStep(MemberId member, RaftRole role, Term term, LogIndex committed)
    {
        if (role != RaftRole.Leader)
        {
            _leading.Remove(member.Value);
            return;
        }

        Claim(member, term, "leads");
        ref Leadership leading = ref CollectionsMarshal.GetValueRefOrAddDefault(_leading, member.Value, out bool exists);
        if (!exists || leading.Term != term.Value)
        {
            leading = new Leadership(term.Value, committed.Value);
        }
        else if (committed.Value > leading.Committed)
        {
            // Only entries of its own term are committed by counting; those before them follow (raft thesis 3.6.2).
            if (!Knows(committed.Value, term.Value))
            {
                throw new SimulationFailure(
                    "commit rule", $"{member} leads term {term.Value} and commits up to {committed.Value}, an entry of an earlier term");
            }

            leading.Committed = committed.Value;
        }
    }

    /// <summary>A member applies an entry.</summary>
    /// <returns>Whether it is the first one that does.</returns>
    public bool OnApply(MemberId member, in Entry entry)
    {
        ulong index = entry.Index.Value;
        DiskModel disk = Disk(member);
        if (index > disk.DurableLog.Last || !disk.DurableLog.Holds(index, entry.Term.Value))
        {
            throw new SimulationFailure(
                "durable before apply", $"{member} applies entry {index} of term {entry.Term.Value}; durable is {disk.DurableLog.Last}, term {disk.DurableLog.LastTerm}");
        }

        ulong hash = HashOf(entry);
        if (index <= Committed)
        {
            if (_committed[(int)index] != (entry.Term.Value, hash))
            {
                throw new SimulationFailure(
                    "state machine safety", $"{member} applies entry {index} of term {entry.Term.Value}; another member applied one of term {CommittedTerm(index)}");
            }

            return false;
        }

        if (index != Committed + 1)
        {
            throw new SimulationFailure("state machine safety", $"{member} applies entry {index}; nobody has applied {index - 1}");
        }

        _committed.Add((entry.Term.Value, hash));
        if (_configurations.Count > 0 && index > FirstEntries)
        {
            CheckMajority(index, entry.Term.Value);
        }

        return true;
    }

    /// <summary>The voters have changed, as of an entry that was applied for the first time.</summary>
    public void OnConfiguration(IReadOnlyList<MemberId> voters)
    {
        _configurations.Add(voters);
        if (_configurations.Count > 3)
        {
            _configurations.RemoveAt(0);
        }
    }

    /// <summary>
    /// Changes of the membership take effect when they are applied, one at a time (raft thesis 4.1). So whoever has one in its log,
    /// whatever a crash has left of it, knows the one before to be committed: else it could be elected by the voters of two
    /// changes ago, who need have nobody in common with those of today.
    /// </summary>
    private void CheckChanges(MemberId member, HardState state, IReadOnlyList<Entry> entries)
    {
        ulong last = 0;
        foreach (Entry entry in entries.Where(e => e.Type != EntryType.Normal && e.Index.Value > FirstEntries))
        {
            if (last > state.Commit.Value)
            {
                throw new SimulationFailure(
                    "one change at a time",
                    $"{member} comes back with the change {entry.Index.Value} in its log, and commit {state.Commit.Value}; the one before is {last}");
            }

            last = entry.Index.Value;
        }
    }

    private static ulong HashOf(in Entry entry) => Fnv.Of(entry.Data.Span, Fnv.Of((ulong)entry.Type, Fnv.Start));

    private void CheckFollows(MemberId member, HardState before, HardState next)
    {
        if (next.Term < before.Term || next.Commit < before.Commit)
        {
            throw new SimulationFailure("monotone state", $"{member} writes {next} after {before}");
        }

        if (next.Term == before.Term && !before.Vote.IsNone && next.Vote != before.Vote)
        {
            throw new SimulationFailure("one vote per term", $"{member} writes {next} after {before}");
        }
    }

    private void CheckVoteIsDurable(MemberId member, in Message message)
    {
        HardState durable = Disk(member).DurableState;
        if (durable.Term < message.Term || (durable.Term == message.Term && durable.Vote != message.To))
        {
            throw new SimulationFailure(
                "durable before answer", $"{member} votes for {message.To} in term {message.Term.Value}; durable is {durable}");
        }

        Vote(member, message.Term, message.To, "says");
    }

    private void Vote(MemberId member, Term term, MemberId candidate, string how)
    {
        ref ulong vote = ref CollectionsMarshal.GetValueRefOrAddDefault(_votes, (member.Value, term.Value), out bool exists);
        if (exists && vote != candidate.Value)
        {
            throw new SimulationFailure(
                "one vote per term", $"{member} {how} a vote for {candidate} in term {term.Value}, and voted for {new MemberId(vote)} before");
        }

        vote = candidate.Value;
    }

    /// <summary>
    /// A leader's message leaves. Its term must be durable: a leader that forgot its term in a crash could be elected in it
    /// again, by the votes that it has already, and fill the same places of the log with other entries.
    /// </summary>
    private void Lead(MemberId member, Term term, string how)
    {
        Claim(member, term, how);
        if (Disk(member).DurableState.Term < term)
        {
            throw new SimulationFailure(
                "durable before leading", $"{member} {how} in term {term.Value}; durable is {Disk(member).DurableState}");
        }
    }

    private void Claim(MemberId member, Term term, string how)
    {
        ref ulong leader = ref CollectionsMarshal.GetValueRefOrAddDefault(_leaders, term.Value, out bool exists);
        if (exists)
        {
            if (leader != member.Value)
            {
                throw new SimulationFailure("one leader per term", $"{member} {how} in term {term.Value}, which {new MemberId(leader)} leads");
            }

            return;
        }

        leader = member.Value;
        _completenessDue[member.Value] = (term.Value, Committed);
    }

    /// <summary>
    /// A leader has what was committed when it was elected (raft paper: leader completeness). Looked at when its own first entry
    /// goes to its disk: until then a part of its log may still wait to be written.
    /// </summary>
    private void CheckCompleteness(MemberId member, Term term, ulong committed)
    {
        LogModel log = Disk(member).Log;
        for (ulong index = log.Base + 1; index <= committed; index++)
        {
            if (log.TermAt(index) != CommittedTerm(index))
            {
                throw new SimulationFailure(
                    "leader completeness",
                    $"{member} leads term {term.Value} without the committed entry {index} of term {CommittedTerm(index)}; its log ends at {log.Last}");
            }
        }
    }

    /// <summary>
    /// Two entries of the same index and term are the same and follow the same (raft paper: log matching, by induction). What
    /// was neither sent nor durable when its member crashed was never an entry.
    /// </summary>
    private ulong Identify(MemberId member, in Entry entry, ulong previousTerm, bool remember)
    {
        ulong hash = HashOf(entry);
        bool exists = _entries.TryGetValue((entry.Index.Value, entry.Term.Value), out (ulong Hash, ulong PreviousTerm) known);
        if (!exists && remember)
        {
            _entries.Add((entry.Index.Value, entry.Term.Value), (hash, previousTerm));
        }
        else if (exists && (known.Hash != hash || known.PreviousTerm != previousTerm))
        {
            throw new SimulationFailure(
                "log matching", $"{member} has an entry {entry.Index.Value} of term {entry.Term.Value} that is not the one that others have");
        }

        return hash;
    }

    private void Remember(ulong index, ulong term, ulong hash, ulong previousTerm) =>
        _entries.TryAdd((index, term), (hash, previousTerm));

    private void CheckSnapshot(MemberId member, LogIndex index, Term term)
    {
        if (index.Value > Committed || CommittedTerm(index.Value) != term.Value)
        {
            throw new SimulationFailure("snapshot", $"{member} has a snapshot of entry {index.Value}, term {term.Value}, which nobody has applied");
        }
    }

    /// <summary>
    /// What is applied is on the disks of a majority. Under which configuration the leader counted is not known here, so one of
    /// the last three must have it.
    /// </summary>
    private void CheckMajority(ulong index, ulong term)
    {
        foreach (IReadOnlyList<MemberId> voters in _configurations)
        {
            int holders = 0;
            foreach (MemberId voter in voters)
            {
                LogModel log = Disk(voter).DurableLog;
                holders += index <= log.Last && log.Holds(index, term) ? 1 : 0;
            }

            if (holders > voters.Count / 2)
            {
                return;
            }
        }

        throw new SimulationFailure("durable on a majority", $"entry {index} of term {term} is applied and not durable on a majority");
    }

    private record struct Leadership(ulong Term, ulong Committed);
}
