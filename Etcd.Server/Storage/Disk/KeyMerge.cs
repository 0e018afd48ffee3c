using Etcd.Server.Storage.Index;

namespace Etcd.Server.Storage.Disk;

/// <summary>
/// Goes through the keys of several runs at once, in their order; of one key, the earlier run has the earlier revisions. A tree of losers
/// (Knuth, volume 3, 5.4.1): who wins is compared again only with those whom it has beaten. Most comparisons are those of two numbers:
/// eight bytes of each run's key behind what all of them share.
/// </summary>
internal sealed class KeyMerge
{
    // Ties of the numbers, per run, after which it is worth looking what the keys share now.
    private const int TiesPerRun = 16;

    private readonly ExtentIndex.KeyCursor[] _runs;
    private readonly ulong[] _chunks;
    private readonly bool[] _ended;
    private readonly int[] _losers;
    private byte[] _shared = [];
    private int _winner = -1;
    private int _left;
    private int _ties;

    /// <summary>Begins.</summary>
    /// <param name="runs">The runs, each at its first record, in the order of history.</param>
    public KeyMerge(IReadOnlyList<ExtentIndex.KeyCursor> runs)
    {
        _runs = [.. runs];
        _left = _runs.Length;
        _chunks = new ulong[_left];
        _ended = new bool[_left];
        _losers = new int[_left];
        _losers.AsSpan().Fill(-1);
        LookAtShared();
        for (int run = _left - 1; run >= 0; run--)
            Enter(run);
    }

    /// <summary>The run with the next record; null at the end.</summary>
    public ExtentIndex.KeyCursor? Current => _left > 0 ? _runs[_winner] : null;

    /// <summary>Goes to the next record.</summary>
    public void MoveNext()
    {
        int run = _winner;
        if (!_runs[run].MoveNext())
        {
            _ended[run] = true;
            _chunks[run] = ulong.MaxValue;
            _left--;
        }
        else if (!_runs[run].Key.StartsWith(_shared) || _ties > TiesPerRun * _runs.Length)
        {
            LookAtShared();
        }
        else
        {
            _chunks[run] = KeyRecord.Chunk(_runs[run].Key, _shared.Length);
        }

        for (int at = (run + _losers.Length) >> 1; at > 0; at >>= 1)
        {
            if (IsBefore(_losers[at], run))
                (run, _losers[at]) = (_losers[at], run);
        }

        _winner = run;
    }

    // At a place that nobody has come to it waits for who comes second.
    private void Enter(int run)
    {
        for (int at = (run + _losers.Length) >> 1; at > 0; at >>= 1)
        {
            if (_losers[at] < 0)
            {
                _losers[at] = run;
                return;
            }

            if (IsBefore(_losers[at], run))
                (run, _losers[at]) = (_losers[at], run);
        }

        _winner = run;
    }

    // The order of the runs stays what it is: only the numbers by which it is seen change.
    private void LookAtShared()
    {
        _ties = 0;
        ReadOnlySpan<byte> shared = default;
        bool any = false;
        for (int run = 0; run < _runs.Length; run++)
        {
            if (_ended[run])
                continue;

            ReadOnlySpan<byte> key = _runs[run].Key;
            shared = any ? shared[..shared.CommonPrefixLength(key)] : key;
            any = true;
        }

        _shared = shared.ToArray();
        for (int run = 0; run < _runs.Length; run++)
        {
            if (!_ended[run])
                _chunks[run] = KeyRecord.Chunk(_runs[run].Key, _shared.Length);
        }
    }

    private bool IsBefore(int a, int b) => _chunks[a] != _chunks[b] ? _chunks[a] < _chunks[b] : IsBeforeByKey(a, b);

    private bool IsBeforeByKey(int a, int b)
    {
        if (_ended[a] || _ended[b])
            return !_ended[a];

        _ties++;
        int order = _runs[a].Key.SequenceCompareTo(_runs[b].Key);
        return order != 0 ? order < 0 : a < b;
    }
}
