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
        Substream substream = Begin(options.StartRevision, options.ClusterId);
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
        ulong cluster = options.ClusterId;
        while (true)
        {
            if (list)
            {
                await foreach (EtcdWatchBatch batch in SnapshotAsync(cancellation).ConfigureAwait(false))
                {
                    yield return batch;
                    (next, cluster) = (batch.Revision + 1, batch.ClusterId);
                }
            }

            Substream substream = _prepared ?? Begin(next, cluster);
            _prepared = null;
            EtcdException? gone;
            // Once for all reads: each would cost an event more than the rest of it.
            using CancellationTokenRegistration giveUp = cancellation.UnsafeRegister(
                static (substream, token) => ((Substream)substream!).CancelRead(token), substream);
            while (true)
            {
                gone = null;
                EtcdWatchBatch? batch = null;
                try
                {
                    batch = await substream.ReadAsync().ConfigureAwait(false);
                }
                catch (EtcdException e) when (IsGone(e) && options.OnCompaction == EtcdCompactionPolicy.ListAgain)
                {
                    gone = e;
                }

                if (batch is null)
                    break;
                yield return batch;
            }

            if (gone is null)
                yield break;
            Log(gone, substream.NextRevision);
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

    private void Log(EtcdException gone, long revision)
    {
        if (gone is EtcdClusterChangedException changed)
            ClientLog.WatchMetAnotherCluster(connection.Log, revision, changed.ExpectedClusterId, changed.ClusterId);
        else
            ClientLog.WatchListsAgain(connection.Log, revision, (gone as EtcdCompactedException)?.CompactRevision);
    }

    private Substream Begin(long revision, ulong cluster)
    {
        lock (_gate)
        {
            connection.ThrowIfDisposed();
            _current = new Substream(connection, prefix, range, options, revision, cluster);
            if (_stopped)
                _current.Stop();
            else
                _current.Start();
            return _current;
        }
    }

    private static bool IsGone(EtcdException failure) => failure is EtcdCompactedException or EtcdClusterChangedException;

    // A compaction that overtakes the listing makes a new one begin; its first batch says so. So does another cluster in its place.
    private async IAsyncEnumerable<EtcdWatchBatch> SnapshotAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        bool complete = false;
        while (!complete)
        {
            await using IAsyncEnumerator<EtcdPage> pages = kv.ListPagesAsync(range, options.List, cancellation).GetAsyncEnumerator(cancellation);
            (ulong Cluster, long Revision) at = default;
            bool? more;
            while (!complete && (more = await TryMoveAsync(pages).ConfigureAwait(false)) is not null)
            {
                // That a page was the last may show only when no other follows.
                IReadOnlyList<EtcdKeyValue> items = more.Value ? pages.Current.Items : [];
                complete = !more.Value || pages.Current.IsLast;
                bool starts = at.Revision == 0;
                at = more.Value ? (pages.Current.ClusterId, pages.Current.Revision) : at;
                yield return Snapshot(at, items, starts, complete);
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
        catch (EtcdException e) when (IsGone(e))
        {
            return null;
        }
    }

    private static EtcdWatchBatch Snapshot((ulong Cluster, long Revision) at, IReadOnlyList<EtcdKeyValue> items, bool starts, bool ends)
    {
        var events = new EtcdWatchEvent[items.Count];
        for (int i = 0; i < events.Length; i++)
            events[i] = new EtcdWatchEvent(EtcdEventType.Put, items[i], null);
        return new EtcdWatchBatch(EtcdWatchBatchKind.Snapshot, at.Revision, events)
        {
            ClusterId = at.Cluster,
            StartsSnapshot = starts,
            EndsSnapshot = ends,
        };
    }
}
