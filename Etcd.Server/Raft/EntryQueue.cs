using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>
/// The part of the log that is still in memory: a ring of entries with consecutive indexes. Entries enter at the end and
/// are forgotten from the front, without moving any.
/// </summary>
internal sealed class EntryQueue
{
    private const int InitialSlots = 1024;
    private const int SlotsKept = 16 * InitialSlots;

    private Entry[] _ring = new Entry[InitialSlots];
    private LogIndex _forgotten;
    private Term _forgottenTerm;

    /// <summary>Begins empty, after an entry that is no longer here.</summary>
    public EntryQueue(LogIndex forgotten, Term forgottenTerm)
    {
        _forgotten = forgotten;
        _forgottenTerm = forgottenTerm;
        LastIndex = forgotten;
    }

    /// <summary>The index of the newest entry, or of the last forgotten one.</summary>
    public LogIndex LastIndex { get; private set; }

    /// <summary>The entry at an index that is still here.</summary>
    public Entry this[LogIndex index]
    {
        get
        {
            Invariant.Check(index > _forgotten && index <= LastIndex, "only entries in memory are read");
            return _ring[Slot(index)];
        }
    }

    /// <summary>The term at an index, the last forgotten one included.</summary>
    public Term TermAt(LogIndex index) => index == _forgotten ? _forgottenTerm : this[index].Term;

    /// <summary>Adds the next entry.</summary>
    public void Append(in Entry entry)
    {
        Invariant.Check(entry.Index == LastIndex.Next, "the log has no holes");
        if (LastIndex.Value - _forgotten.Value == (ulong)_ring.Length)
        {
            Grow();
        }

        LastIndex = entry.Index;
        _ring[Slot(entry.Index)] = entry;
    }

    /// <summary>Lets everything up to and including an index go.</summary>
    public void ForgetThrough(LogIndex index)
    {
        if (index <= _forgotten)
        {
            return;
        }

        Term term = TermAt(index);
        for (LogIndex at = _forgotten.Next; at <= index; at = at.Next)
        {
            _ring[Slot(at)] = default;
        }

        _forgotten = index;
        _forgottenTerm = term;
        if (index == LastIndex && _ring.Length > SlotsKept)
        {
            // It held a whole log once, at recovery.
            _ring = new Entry[InitialSlots];
        }
    }

    private int Slot(LogIndex index) => (int)(index.Value & (ulong)(_ring.Length - 1));

    private void Grow()
    {
        var larger = new Entry[_ring.Length * 2];
        for (LogIndex at = _forgotten.Next; at <= LastIndex; at = at.Next)
        {
            larger[(int)(at.Value & (ulong)(larger.Length - 1))] = _ring[Slot(at)];
        }

        _ring = larger;
    }
}
