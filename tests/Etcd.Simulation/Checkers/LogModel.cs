namespace Etcd.Simulation.Checkers;

/// <summary>A log as the observer remembers it: terms and hashes, behind a snapshot.</summary>
internal sealed class LogModel
{
    private readonly List<(ulong Term, ulong Hash)> _entries = [];

    /// <summary>The entry before the first one that is here.</summary>
    public ulong Base { get; private set; }

    /// <summary>Its term.</summary>
    public ulong BaseTerm { get; private set; }

    public ulong Last => Base + (ulong)_entries.Count;

    public ulong LastTerm => _entries.Count == 0 ? BaseTerm : _entries[^1].Term;

    /// <summary>The term at an index; zero if it is not here.</summary>
    public ulong TermAt(ulong index) =>
        index == Base ? BaseTerm : index > Base && index <= Last ? _entries[(int)(index - Base - 1)].Term : 0;

    /// <summary>Whether the log holds this entry, itself or in its snapshot.</summary>
    public bool Holds(ulong index, ulong term) => index <= Base || TermAt(index) == term;

    /// <summary>Adds an entry, in place of those from its index on.</summary>
    public void Put(ulong index, ulong term, ulong hash)
    {
        if (index <= Base)
        {
            // A record of before the snapshot, which replay passes over.
            return;
        }

        int at = (int)(index - Base - 1);
        _entries.RemoveRange(at, _entries.Count - at);
        _entries.Add((term, hash));
    }

    /// <summary>A snapshot replaces what it covers, and what contradicts it.</summary>
    public void Restore(ulong index, ulong term)
    {
        if (index <= Base)
        {
            return;
        }

        if (index < Last && TermAt(index) == term)
        {
            _entries.RemoveRange(0, (int)(index - Base));
        }
        else
        {
            _entries.Clear();
        }

        Base = index;
        BaseTerm = term;
    }

    /// <summary>Whether two logs say the same behind an index.</summary>
    public bool EqualsBehind(LogModel other, ulong index)
    {
        if (Last != other.Last)
        {
            return false;
        }

        for (ulong at = Math.Max(index, Math.Max(Base, other.Base)) + 1; at <= Last; at++)
        {
            if (_entries[(int)(at - Base - 1)] != other._entries[(int)(at - other.Base - 1)])
            {
                return false;
            }
        }

        return true;
    }

    public LogModel Copy()
    {
        var copy = new LogModel { Base = Base, BaseTerm = BaseTerm };
        copy._entries.AddRange(_entries);
        return copy;
    }
}
