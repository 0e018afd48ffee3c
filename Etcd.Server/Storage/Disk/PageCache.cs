namespace Etcd.Server.Storage.Disk;

/// <summary>
/// Pages of segment files that were read, up to a bound. One that is used again is kept for another round (clock). Pages are
/// ordinary arrays, so what a reader holds stays valid when the cache lets go of it.
/// Any thread; hits take no lock.
/// </summary>
internal sealed class PageCache(long bytesMax)
{
    private readonly Lock _gate = new();
    private readonly List<Page> _pages = [];
    private long _bytes;
    private int _hand;

    /// <summary>What was found damaged while pages were read.</summary>
    public DamageReports Damages { get; } = new();

    /// <summary>Adds a page that was read. Somebody may have added it meanwhile; then that one stays.</summary>
    public void Add(Page page)
    {
        lock (_gate)
        {
            if (!page.Extent.TryPlace(page))
                return;

            _bytes += page.Bytes.Length;
            while (_bytes > bytesMax && _pages.Count > 0)
            {
                if (_hand >= _pages.Count)
                    _hand = 0;

                Page candidate = _pages[_hand];
                if (candidate.WasUsed)
                {
                    candidate.WasUsed = false;
                    _hand++;
                    continue;
                }

                candidate.Extent.Forget(candidate);
                _bytes -= candidate.Bytes.Length;
                _pages[_hand] = _pages[^1];
                _pages.RemoveAt(_pages.Count - 1);
            }

            _pages.Add(page);
        }
    }

    /// <summary>A page in the cache.</summary>
    public sealed class Page(Extent extent, int number, byte[] bytes)
    {
        private volatile bool _wasUsed;

        /// <summary>Where it is from.</summary>
        public Extent Extent { get; } = extent;

        /// <summary>Its number there.</summary>
        public int Number { get; } = number;

        /// <summary>Its content.</summary>
        public byte[] Bytes { get; } = bytes;

        /// <summary>Whether it was used since the hand passed.</summary>
        public bool WasUsed
        {
            get => _wasUsed;
            set => _wasUsed = value;
        }
    }
}
