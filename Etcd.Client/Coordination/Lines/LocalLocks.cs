namespace Etcd.Client;

/// <summary>
/// Excludes users of one lease from each other inside of this client: the store knows them by the lease only, so two of them at one
/// key would both find it to be theirs. First come, first served. Safe for concurrent use.
/// </summary>
internal sealed class LocalLocks
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(long Lease, EtcdKey Key), Entry> _entries = [];

    /// <summary>Waits until nobody else has the key; whoever gets it disposes of it.</summary>
    public async ValueTask<IDisposable> EnterAsync(EtcdLeaseId lease, EtcdKey key, CancellationToken cancellation)
    {
        Entry entry = Use(lease, key);
        try
        {
            await entry.Turn.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            LetGo(entry);
            throw;
        }

        return new Hold(this, entry);
    }

    /// <summary>Takes the key where nobody has it; null where somebody does.</summary>
    public IDisposable? TryEnter(EtcdLeaseId lease, EtcdKey key)
    {
        Entry entry = Use(lease, key);
        if (entry.Turn.Wait(0, CancellationToken.None))
            return new Hold(this, entry);
        LetGo(entry);
        return null;
    }

    private Entry Use(EtcdLeaseId lease, EtcdKey key)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue((lease.Value, key), out Entry? entry))
                _entries.Add((lease.Value, key), entry = new Entry((lease.Value, key)));
            entry.Users++;
            return entry;
        }
    }

    private void LetGo(Entry entry)
    {
        lock (_gate)
        {
            if (--entry.Users != 0)
                return;
            _entries.Remove(entry.Name);
        }

        entry.Turn.Dispose();
    }

    private sealed class Entry((long Lease, EtcdKey Key) name)
    {
        public (long Lease, EtcdKey Key) Name { get; } = name;

        public SemaphoreSlim Turn { get; } = new(1);

        /// <summary>Who has it or waits for it.</summary>
        public int Users { get; set; }
    }

    private sealed class Hold(LocalLocks locks, Entry entry) : IDisposable
    {
        private int _released;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _released, 1) != 0)
                return;
            entry.Turn.Release();
            locks.LetGo(entry);
        }
    }
}
