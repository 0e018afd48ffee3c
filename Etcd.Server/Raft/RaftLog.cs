using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>
/// The log of one member: what is in memory of it, and how far it is handed to the WAL, durable, committed, handed to the
/// state machine, and applied. Invariants: forgotten &lt;= applied (but while a snapshot is being installed); applied &lt;=
/// handed over to be applied &lt;= min(committed, durable); committed &lt;= last; what is committed is never replaced.
/// </summary>
internal sealed class RaftLog
{
    private readonly EntryChunks _entries;
    private readonly AppendReports _reports = new();
    private LogIndex _toAppend;
    private LogIndex _toApply;
    private LogIndex _takenMost;
    private LogIndex _restored;
    private Snapshot? _pendingSnapshot;

    /// <summary>Takes over what recovery found.</summary>
    public RaftLog(RecoveredLog recovered)
    {
        LogIndex start = recovered.Snapshot?.Index ?? default;
        _entries = new EntryChunks(start, recovered.Snapshot?.Term ?? default);
        foreach (Entry entry in recovered.Entries)
        {
            Invariant.Check(!(entry.Term < LastTerm), "terms never fall in a log");
            _entries.Append(entry);
        }

        Invariant.Check(recovered.Applied >= start && recovered.Applied <= Last, "what is applied is in the durable log");
        Committed = recovered.HardState.Commit > recovered.Applied ? recovered.HardState.Commit : recovered.Applied;
        Invariant.Check(Committed <= Last, "the commit index is not beyond the durable log");
        Applied = recovered.Applied;
        Durable = Last;
        _takenMost = Last;
        _toAppend = Last.Next;
        _toApply = Applied.Next;
    }

    /// <summary>The index before the first entry that is in memory.</summary>
    public LogIndex Forgotten => _entries.Forgotten;

    /// <summary>The last index.</summary>
    public LogIndex Last => _entries.Last;

    /// <summary>The term at the last index.</summary>
    public Term LastTerm => _entries.TermAt(_entries.Last);

    /// <summary>The highest index known to be committed.</summary>
    public LogIndex Committed { get; private set; }

    /// <summary>The highest index that was reported applied.</summary>
    public LogIndex Applied { get; private set; }

    /// <summary>Up to where this log, as it is now, is durable in the WAL.</summary>
    public LogIndex Durable { get; private set; }

    /// <summary>Whether a snapshot has replaced the log and was not yet reported installed.</summary>
    public bool IsInstalling => Applied < _restored;

    /// <summary>The index of the last snapshot that replaced the log; zero if none did.</summary>
    public LogIndex Restored => _restored;

    /// <summary>Whether there is anything to hand to the WAL.</summary>
    public bool HasAppends => _toAppend <= Last || _pendingSnapshot is not null;

    /// <summary>Whether there is anything to hand to the state machine.</summary>
    public bool HasCommitted => _toApply <= Committed && _toApply <= Durable;

    /// <summary>The term at an index; zero where it is not known.</summary>
    public Term TermOrZero(LogIndex index) => _entries.Knows(index) ? _entries.TermAt(index) : default;

    /// <summary>Whether the log has an entry with this index and term.</summary>
    public bool Matches(LogIndex index, Term term) => _entries.Knows(index) && _entries.TermAt(index) == term;

    /// <summary>Whether a log that ends so is at least as complete as this one (raft thesis 3.6.1).</summary>
    public bool IsUpToDate(LogIndex last, Term term) => term > LastTerm || (term == LastTerm && last >= Last);

    /// <summary>The entries from an index on, for a message; see <see cref="EntryChunks.Slice"/>.</summary>
    public ReadOnlyMemory<Entry> Slice(LogIndex from, long bytesMax, out long payload, out long bytes) =>
        _entries.Slice(from, bytesMax, out payload, out bytes);

    /// <summary>A leader's next entry.</summary>
    public void Append(Term term, EntryType type, ReadOnlyMemory<byte> data) =>
        _entries.Append(new Entry(term, Last.Next, type, data));

    /// <summary>
    /// A follower takes a leader's entries, if the log agrees with the leader's before them (raft thesis 3.5). Entries that
    /// are here already stay; the first that differs replaces everything from there on.
    /// </summary>
    /// <returns>
    /// False, with nothing changed, if the log does not agree, or if the entries would replace what is committed, which no
    /// leader does.
    /// </returns>
    public bool TryAppend(LogIndex previous, Term previousTerm, ReadOnlySpan<Entry> entries)
    {
        if (!Matches(previous, previousTerm))
        {
            return false;
        }

        int first = FirstNew(entries);
        if (first == entries.Length)
        {
            return true;
        }

        LogIndex index = entries[first].Index;
        if (index <= Committed)
        {
            return false;
        }

        if (index <= Last)
        {
            Replace(index);
            _entries.TruncateFrom(index);
        }

        foreach (ref readonly Entry entry in entries[first..])
        {
            _entries.Append(entry);
        }

        return true;
    }

    /// <summary>
    /// The highest index, not beyond the given one, whose term is not above the given one, and that term; the term is zero if it is
    /// not known. Both sides of a refused append skip with it whole terms in which the logs cannot agree (raft thesis 3.5).
    /// </summary>
    public (LogIndex Index, Term Term) FindConflict(LogIndex index, Term term)
    {
        for (; index > default(LogIndex); index = new LogIndex(index.Value - 1))
        {
            Term ours = TermOrZero(index);
            if (!(ours > term))
            {
                return (index, ours);
            }
        }

        return (index, default);
    }

    /// <summary>What is committed elsewhere is committed here, as far as it is here.</summary>
    public void CommitTo(LogIndex index)
    {
        if (index > Committed)
        {
            Committed = index < Last ? index : Last;
        }
    }

    /// <summary>Adds up the data of entries.</summary>
    /// <param name="after">The index before the first.</param>
    /// <param name="through">The last.</param>
    public long PayloadBetween(LogIndex after, LogIndex through)
    {
        long bytes = 0;
        for (LogIndex at = after.Next; at <= through; at = at.Next)
        {
            bytes += _entries[at].Data.Length;
        }

        return bytes;
    }

    /// <summary>Whether a configuration change is committed and not applied.</summary>
    public bool HasUnappliedConfChange()
    {
        for (LogIndex at = (Applied > Forgotten ? Applied : Forgotten).Next; at <= Committed; at = at.Next)
        {
            if (IsConfChange(_entries[at].Type))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether an entry of this type changes the configuration.</summary>
    public static bool IsConfChange(EntryType type) => type is EntryType.ConfChange or EntryType.ConfChangeV2;

    /// <summary>A leader's snapshot, which is ahead of what is committed here, replaces the whole log.</summary>
    public void Restore(Snapshot snapshot)
    {
        Invariant.Check(snapshot.Index > Committed, "a snapshot only goes forward");
        Replace(Committed.Next);
        _entries.Restart(snapshot.Index, snapshot.Term);
        Committed = snapshot.Index;
        _toAppend = snapshot.Index.Next;
        _toApply = snapshot.Index.Next;
        _restored = snapshot.Index;
        _pendingSnapshot = snapshot;
    }

    /// <summary>Hands a snapshot and new entries over to the WAL.</summary>
    public void TakeAppends(Ready into)
    {
        into.Snapshot = _pendingSnapshot;
        LogIndex end = _pendingSnapshot?.Index ?? default;
        Term endTerm = _pendingSnapshot?.Term ?? default;
        _pendingSnapshot = null;
        for (; _toAppend <= Last; _toAppend = _toAppend.Next)
        {
            ref readonly Entry entry = ref _entries[_toAppend];
            into.Entries.Add(entry);
            end = entry.Index;
            endTerm = entry.Term;
        }

        if (end > default(LogIndex))
        {
            _reports.Add(end, endTerm);
            _takenMost = end > _takenMost ? end : _takenMost;
        }
    }

    /// <summary>Hands entries that are committed and durable here over to the state machine.</summary>
    public void TakeCommitted(List<Entry> into)
    {
        LogIndex end = Committed < Durable ? Committed : Durable;
        for (; _toApply <= end; _toApply = _toApply.Next)
        {
            into.Add(_entries[_toApply]);
        }
    }

    /// <summary>A hand-over to the WAL is durable.</summary>
    /// <returns>Whether more of the log as it is now is durable than before.</returns>
    public bool OnAppended(LogIndex index, Term term)
    {
        Invariant.Check(index <= _takenMost, "only what was taken can have become durable");
        LogIndex proves = _reports.Take(index, term);
        if (proves <= Durable)
        {
            return false;
        }

        Durable = proves;
        return true;
    }

    /// <summary>Entries, or a snapshot, were applied.</summary>
    /// <param name="index">The last applied index.</param>
    /// <param name="keep">How many applied entries stay in memory.</param>
    public void OnApplied(LogIndex index, int keep)
    {
        Invariant.Check(index < _toApply && index >= Applied, "only what was taken can have been applied, once");
        Applied = index;
        if (index.Value > (ulong)keep)
        {
            _entries.ForgetThrough(new LogIndex(index.Value - (ulong)keep));
        }
    }

    private int FirstNew(ReadOnlySpan<Entry> entries)
    {
        // What is forgotten is committed, and so the same in every log: it is here in effect.
        int first = 0;
        while (first < entries.Length
            && (entries[first].Index <= Forgotten || Matches(entries[first].Index, entries[first].Term)))
        {
            first++;
        }

        return first;
    }

    private void Replace(LogIndex from)
    {
        _reports.ReplacedFrom(from);
        _toAppend = from < _toAppend ? from : _toAppend;
        Durable = from <= Durable ? new LogIndex(from.Value - 1) : Durable;
    }
}
