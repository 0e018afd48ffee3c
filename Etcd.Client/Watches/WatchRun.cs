using System.Runtime.CompilerServices;

namespace Etcd.Client;

/// <summary>
/// A watch as its reader sees it: snapshots where they are asked for, then the substream, and both again after a compaction.
/// For one reader.
/// </summary>
internal sealed class WatchRun(
    EtcdConnection connection, KvClient kv, EtcdKey prefix, EtcdRange range, EtcdWatchOptions options, bool snapshotFirst)
{
    private readonly Lock _gate = new();
    private Substream? _prepared;
    private Substream? _current;
    private bool _stopped;

    /// <summary>Starts the substream and waits until a member has it.</summary>
    /// <returns>The first revision that it can tell of.</returns>
    public async ValueTask<long> StartAsync(CancellationToken cancellation)
    {
        Substream substream = Begin(options.StartRevision);
        _prepared = substream;
        try
        {
            return await substream.Created.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            Stop();
            throw;
        }
    }

    public async IAsyncEnumerable<EtcdWatchBatch> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        bool list = snapshotFirst;
        long next = options.StartRevision;
        while (true)
        {
            if (list)
            {
                await foreach (EtcdWatchBatch batch in SnapshotAsync(cancellation).ConfigureAwait(false))
                {
                    yield return batch;
                    next = batch.Revision + 1;
                }
            }

            Substream substream = _prepared ?? Begin(next);
            _prepared = null;
            EtcdCompactedException? compacted = null;
            // Once for all reads: each would cost an event more than the rest of it.
            using CancellationTokenRegistration giveUp = cancellation.UnsafeRegister(
                static (substream, token) => ((Substream)substream!).CancelRead(token), substream);
            while (true)
            {
                EtcdWatchBatch? batch;
                try
                {
                    batch = await substream.ReadAsync().ConfigureAwait(false);
                }
                catch (EtcdCompactedException e) when (options.OnCompaction == EtcdCompactionPolicy.ListAgain)
                {
                    compacted = e;
                    break;
                }

                if (batch is null)
                    break;
                yield return batch;
            }

            if (compacted is null)
                yield break;
            ClientLog.WatchListsAgain(connection.Log, substream.NextRevision, compacted.CompactRevision);
            list = true;
        }
    }

    /// <summary>Ends the watch; its reader sees the end.</summary>
    public void Stop()
    {
        Substream? last;
        lock (_gate)
        {
            _stopped = true;
            last = _current;
            _current = null;
        }

        last?.Stop();
    }

    private Substream Begin(long revision)
    {
        lock (_gate)
        {
            connection.ThrowIfDisposed();
            _current = new Substream(connection, prefix, range, options, revision);
            if (_stopped)
                _current.Stop();
            else
                _current.Start();
            return _current;
        }
    }

    // A compaction that overtakes the listing makes a new one begin; its first batch says so.
    private async IAsyncEnumerable<EtcdWatchBatch> SnapshotAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        bool complete = false;
        while (!complete)
        {
            await using IAsyncEnumerator<EtcdPage> pages = kv.ListPagesAsync(range, options.List, cancellation).GetAsyncEnumerator(cancellation);
            long revision = 0;
            bool? more;
            while (!complete && (more = await TryMoveAsync(pages).ConfigureAwait(false)) is not null)
            {
                // That a page was the last may show only when no other follows.
                IReadOnlyList<EtcdKeyValue> items = more.Value ? pages.Current.Items : [];
                complete = !more.Value || pages.Current.IsLast;
                bool starts = revision == 0;
                revision = more.Value ? pages.Current.Revision : revision;
                yield return Snapshot(revision, items, starts, complete);
            }
        }
    }

    /// <summary>Whether there is another page; null where the revision was compacted meanwhile.</summary>
    private static async ValueTask<bool?> TryMoveAsync(IAsyncEnumerator<EtcdPage> pages)
    {
        try
        {
            return await pages.MoveNextAsync().ConfigureAwait(false);
        }
        catch (EtcdCompactedException)
        {
            return null;
        }
    }

    private static EtcdWatchBatch Snapshot(long revision, IReadOnlyList<EtcdKeyValue> items, bool starts, bool ends)
    {
        var events = new EtcdWatchEvent[items.Count];
        for (int i = 0; i < events.Length; i++)
            events[i] = new EtcdWatchEvent(EtcdEventType.Put, items[i], null);
        return new EtcdWatchBatch(EtcdWatchBatchKind.Snapshot, revision, events) { StartsSnapshot = starts, EndsSnapshot = ends };
    }
}
