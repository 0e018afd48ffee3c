using Etcd.Server.Raft;

namespace Etcd.Simulation.Checkers;

/// <summary>
/// What the observer knows of one member's write-ahead log: what was written, and how much of it was synced. After a
/// crash the member must find what was synced, and of the rest a beginning.
/// </summary>
internal sealed class DiskModel
{
    private readonly List<Record> _pending = [];

    // The log as it was before a snapshot that the synced hard state does not say to be committed: it does not count yet.
    private LogModel? _beforeSnapshot;

    /// <summary>Everything that was appended.</summary>
    public LogModel Log { get; private set; } = new();

    /// <summary>The last hard state that was appended.</summary>
    public HardState State { get; private set; }

    /// <summary>What was synced.</summary>
    public LogModel DurableLog { get; private set; } = new();

    /// <summary>The last hard state that was synced.</summary>
    public HardState DurableState { get; private set; }

    /// <summary>A member that begins with a log that others have made for it.</summary>
    public void Begin(HardState state, IEnumerable<(ulong Index, ulong Term, ulong Hash)> entries)
    {
        foreach ((ulong index, ulong term, ulong hash) in entries)
        {
            Append(new Record(index, term, hash, null, false));
        }

        Append(new Record(0, 0, 0, state, false));
        Sync(null);
    }

    public void AppendEntry(ulong index, ulong term, ulong hash) => Append(new Record(index, term, hash, null, false));

    public void AppendState(HardState state) => Append(new Record(0, 0, 0, state, false));

    public void AppendSnapshot(ulong index, ulong term) => Append(new Record(index, term, 0, null, true));

    /// <summary>Everything appended is durable now.</summary>
    /// <param name="remember">Told of each entry that became durable, with the term of the entry before it.</param>
    public void Sync(Action<ulong, ulong, ulong, ulong>? remember)
    {
        foreach (Record record in _pending)
        {
            _beforeSnapshot = Before(record, DurableLog, _beforeSnapshot);
            DurableState = record.ApplyTo(DurableLog, DurableState);
            if (record.IsEntry)
            {
                remember?.Invoke(record.Index, record.Term, record.Hash, DurableLog.TermAt(record.Index - 1));
            }
        }

        _pending.Clear();
    }

    /// <summary>The member has read its log again. Returns what is wrong with what it found; null if nothing is.</summary>
    public string? Recover(
        HardState state,
        ulong snapshotIndex,
        ulong snapshotTerm,
        IReadOnlyList<(ulong Index, ulong Term, ulong Hash)> entries,
        Action<ulong, ulong, ulong, ulong> remember)
    {
        var found = new LogModel();
        found.Restore(snapshotIndex, snapshotTerm);
        foreach ((ulong index, ulong term, ulong hash) in entries)
        {
            found.Put(index, term, hash);
        }

        // In the order of the log: each of these is a state in which a crash may have left it.
        LogModel log = DurableLog;
        LogModel? before = _beforeSnapshot;
        HardState candidate = DurableState;
        bool matches = Matches(ref log, before, candidate, found, state);
        for (int i = 0; i < _pending.Count && !matches; i++)
        {
            before = Before(_pending[i], log, before);
            candidate = _pending[i].ApplyTo(log, candidate);
            matches = Matches(ref log, before, candidate, found, state);
        }

        if (!matches)
        {
            return $"found {Describe(found, state)}; it had synced {Describe(DurableLog, DurableState)} and appended {Describe(Log, State)}";
        }

        // Opening makes durable what it found.
        foreach ((ulong index, ulong term, ulong hash) in entries)
        {
            remember(index, term, hash, log.TermAt(index - 1));
        }

        _pending.Clear();
        _beforeSnapshot = null;
        (DurableLog, DurableState) = (log, state);
        (Log, State) = (log.Copy(), state);
        return null;
    }

    private static bool Matches(ref LogModel log, LogModel? before, HardState state, LogModel found, HardState foundState)
    {
        if (state != foundState)
        {
            return false;
        }

        // A snapshot counts when its record and a hard state that has committed it are there; before, the log goes on without it.
        if (before is not null && foundState.Commit.Value < log.Base)
        {
            log = before;
        }

        return found.Base <= log.Last && (log.Base > found.Base || log.Holds(found.Base, found.BaseTerm)) && log.EqualsBehind(found, found.Base);
    }

    private static LogModel? Before(in Record record, LogModel log, LogModel? before) =>
        record.IsSnapshot && record.Index > log.Base ? before ?? log.Copy()
        : record.State is { } state && state.Commit.Value >= log.Base ? null
        : before;

    private static string Describe(LogModel log, HardState state) =>
        $"log {log.Base}..{log.Last} (term {log.LastTerm}), term {state.Term.Value} vote {state.Vote} commit {state.Commit.Value}";

    private void Append(Record record)
    {
        State = record.ApplyTo(Log, State);
        _pending.Add(record);
    }

    private readonly record struct Record(ulong Index, ulong Term, ulong Hash, HardState? State, bool IsSnapshot)
    {
        public bool IsEntry => State is null && !IsSnapshot;

        public HardState ApplyTo(LogModel log, HardState before)
        {
            if (State is { } state)
            {
                return state;
            }

            if (IsSnapshot)
            {
                log.Restore(Index, Term);
            }
            else
            {
                log.Put(Index, Term, Hash);
            }

            return before;
        }
    }
}
