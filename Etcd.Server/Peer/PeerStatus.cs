namespace Etcd.Server.Peer;

/// <summary>Whether another member is reached, and since when. Any thread.</summary>
/// <param name="clock">The time.</param>
internal sealed class PeerStatus(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private DateTimeOffset? _since;

    /// <summary>Since when it is reached without interruption; null if it is not.</summary>
    public DateTimeOffset? ActiveSince
    {
        get
        {
            lock (_gate)
            {
                return _since;
            }
        }
    }

    /// <summary>It was reached. Returns whether that is new.</summary>
    public bool Activate()
    {
        lock (_gate)
        {
            if (_since is not null)
            {
                return false;
            }

            _since = clock.GetUtcNow();
            return true;
        }
    }

    /// <summary>It was not reached. Returns whether that is new.</summary>
    public bool Deactivate()
    {
        lock (_gate)
        {
            bool was = _since is not null;
            _since = null;
            return was;
        }
    }
}

/// <summary>Which of a member's URLs is used: the first, until it fails; then the next, in a circle. Any thread.</summary>
/// <param name="urls">At least one.</param>
internal sealed class UrlPicker(IReadOnlyList<string> urls)
{
    private readonly Lock _gate = new();
    private IReadOnlyList<string> _urls = urls;
    private int _picked;

    /// <summary>The one to use now.</summary>
    public string Pick()
    {
        lock (_gate)
        {
            return _urls[_picked];
        }
    }

    /// <summary>All of them, the one to use now first.</summary>
    public IReadOnlyList<string> All()
    {
        lock (_gate)
        {
            return [.. _urls.Skip(_picked), .. _urls.Take(_picked)];
        }
    }

    /// <summary>The URL did not answer. Of no effect if another is in use by now.</summary>
    /// <param name="url">The URL.</param>
    public void Unreachable(string url)
    {
        lock (_gate)
        {
            if (_urls[_picked] == url)
            {
                _picked = (_picked + 1) % _urls.Count;
            }
        }
    }

    /// <summary>The member has other URLs now. Returns whether they are others.</summary>
    /// <param name="urls">At least one.</param>
    public bool Update(IReadOnlyList<string> urls)
    {
        lock (_gate)
        {
            if (_urls.SequenceEqual(urls))
            {
                return false;
            }

            _urls = urls;
            _picked = 0;
            return true;
        }
    }
}
