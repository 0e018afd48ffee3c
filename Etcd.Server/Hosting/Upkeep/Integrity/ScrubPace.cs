using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Upkeep.Integrity;

/// <summary>
/// Decides when the scrub reads its next piece: everything once per interval, and never more than so many bytes a second, so that it
/// costs little while others work. The thread of the store's disk.
/// </summary>
internal sealed class ScrubPace
{
    // What a start has to do comes first.
    private static readonly TimeSpan FirstWaitMax = TimeSpan.FromMinutes(1);

    private readonly MvccStore _store;
    private readonly MemberId _self;
    private readonly TimeSpan _interval;
    private readonly long _bytesPerSecond;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private long _mark;
    private TimeSpan _wait;
    private long _began;
    private long _bytesBefore;
    private bool _isUnderWay;

    /// <summary>Makes it; nothing is read yet.</summary>
    /// <param name="store">The store.</param>
    /// <param name="self">This member, for the log.</param>
    /// <param name="interval">From the beginning of one pass to that of the next; zero for none.</param>
    /// <param name="bytesPerSecond">How fast.</param>
    /// <param name="startsAtOnce">Whether the first pass begins now: damage is known to be there.</param>
    /// <param name="clock">The time.</param>
    /// <param name="log">Where it is told.</param>
    public ScrubPace(MvccStore store, MemberId self, TimeSpan interval, long bytesPerSecond, bool startsAtOnce, TimeProvider clock, ILogger log)
    {
        _store = store;
        _self = self;
        _interval = interval;
        _bytesPerSecond = bytesPerSecond;
        _clock = clock;
        _log = log;
        _mark = clock.GetTimestamp();
        _wait = startsAtOnce ? TimeSpan.Zero : interval < FirstWaitMax ? interval : FirstWaitMax;
    }

    /// <summary>Reads a piece if one is due.</summary>
    /// <returns>When to call again.</returns>
    public TimeSpan RunOnce()
    {
        if (_interval <= TimeSpan.Zero)
        {
            return Timeout.InfiniteTimeSpan;
        }

        TimeSpan left = _wait - _clock.GetElapsedTime(_mark);
        if (left > TimeSpan.Zero)
        {
            return left;
        }

        _mark = _clock.GetTimestamp();
        if (!_isUnderWay)
        {
            _isUnderWay = true;
            _began = _mark;
            _bytesBefore = _store.ScrubbedBytes;
        }

        int read = _store.ScrubOnce();
        _wait = read > 0 ? TimeSpan.FromSeconds((double)read / _bytesPerSecond) : EndPass();
        TimeSpan next = _wait - _clock.GetElapsedTime(_mark);
        return next > TimeSpan.Zero ? next : TimeSpan.Zero;
    }

    private TimeSpan EndPass()
    {
        _isUnderWay = false;
        TimeSpan took = _clock.GetElapsedTime(_began);
        RepairLog.Scrubbed(_log, _self.ToString(), _store.ScrubbedBytes - _bytesBefore, took.ToString());
        return took < _interval ? _interval - took : TimeSpan.Zero;
    }
}
