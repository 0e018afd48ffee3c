using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>
/// What was handed to the WAL and not yet reported durable, oldest first. An entry that is replaced while it is being
/// written, and comes back later with the same index and term, must not be taken for durable when the first write is
/// reported: the write in between may be the last one that survives a crash. So each hand-over is remembered with what its
/// report will still prove, and a replacement lowers that.
/// </summary>
internal sealed class AppendReports
{
    private (LogIndex Index, Term Term, LogIndex Proves)[] _ring = new (LogIndex, Term, LogIndex)[8];
    private int _first;
    private int _count;

    /// <summary>Something was handed over.</summary>
    /// <param name="index">Its last index.</param>
    /// <param name="term">The term there.</param>
    public void Add(LogIndex index, Term term)
    {
        if (_count == _ring.Length)
        {
            var larger = new (LogIndex, Term, LogIndex)[_ring.Length * 2];
            for (int i = 0; i < _count; i++)
            {
                larger[i] = _ring[Place(i)];
            }

            _ring = larger;
            _first = 0;
        }

        _ring[Place(_count++)] = (index, term, index);
    }

    /// <summary>Everything from an index on is replaced.</summary>
    public void ReplacedFrom(LogIndex index)
    {
        var last = new LogIndex(index.Value - 1);
        for (int i = 0; i < _count; i++)
        {
            if (_ring[Place(i)].Proves > last)
            {
                _ring[Place(i)].Proves = last;
            }
        }
    }

    /// <summary>A hand-over, and all before it, are durable.</summary>
    /// <returns>Up to where the log as it is now is durable by that; zero if nothing was known to be under way with this end.</returns>
    public LogIndex Take(LogIndex index, Term term)
    {
        LogIndex proves = default;
        for (int i = 0; i < _count; i++)
        {
            (LogIndex Index, Term Term, LogIndex Proves) report = _ring[Place(i)];
            proves = report.Proves > proves ? report.Proves : proves;
            if (report.Index == index && report.Term == term)
            {
                _first = Place(i + 1);
                _count -= i + 1;
                return proves;
            }
        }

        return default;
    }

    private int Place(int at) => (_first + at) & (_ring.Length - 1);
}
