using Etcd.Server.Primitives;

namespace Etcd.Server.Storage.Log;

/// <summary>Walks the records of a log snapshot in the order of history.</summary>
internal struct LogWalker
{
    private readonly LogSegment[] _segments;
    private int _segment;
    private int _at;

    /// <summary>Begins at the first record that is not before a revision.</summary>
    public LogWalker(LogSegment[] segments, Revision from)
    {
        _segments = segments;
        _segment = Math.Max(0, RevisionLog.IndexOf(segments, from));
        _at = segments.Length == 0 ? 0 : segments[_segment].Seek(from);
    }

    /// <summary>Takes the next record whose main revision is not above a bound.</summary>
    /// <param name="mainMax">The bound.</param>
    /// <param name="record">The record.</param>
    /// <returns>False, and the position stays, if there is none.</returns>
    public bool TryNext(long mainMax, out LogRecord record)
    {
        while (_segment < _segments.Length)
        {
            LogSegment segment = _segments[_segment];
            if (_at < segment.Count)
            {
                record = segment.Read(_at);
                if (record.Revision.Main > mainMax)
                    return false;

                _at++;
                return true;
            }

            if (_segment == _segments.Length - 1)
                break;

            _segment++;
            _at = 0;
        }

        record = default;
        return false;
    }
}
