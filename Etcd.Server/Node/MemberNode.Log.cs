using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <content>The log's step: the only one that blocks.</content>
public sealed partial class MemberNode
{
    private readonly ConcurrentQueue<AppendJob> _jobs = new();
    private readonly ConcurrentQueue<string> _unwanted = new();
    private readonly List<AppendJob> _group = [];
    private AppendJob? _postponed;
    private int _logThread;
    private long _purgeBefore;

    /// <summary>
    /// The log thread's step: runs the owner, writes and syncs what it has handed over as one group, and runs the owner again
    /// with the news.
    /// </summary>
    /// <returns>Whether there was anything to do.</returns>
    public bool RunLogOnce()
    {
        if (Volatile.Read(ref _stopped) is not null)
        {
            return false;
        }

        try
        {
            Volatile.Write(ref _logThread, Environment.CurrentManagedThreadId);
            bool any = RunOnce();
            return WriteGroup() || any || Tidy() || (Volatile.Read(ref _stopped) is null && _parts.Log.PrepareAhead());
        }
        catch (Exception e)
        {
            // Whatever it was, it is not known what is on disk: nothing may be acknowledged any more.
            Fail(e);
            return false;
        }
        finally
        {
            Volatile.Write(ref _logThread, 0);
        }
    }

    /// <summary>
    /// The store holds everything up to an index durably: snapshots up to there are not needed any more. Any thread.
    /// </summary>
    /// <param name="index">The index.</param>
    public void ForgetSnapshotsThrough(LogIndex index) => PurgeBefore(index.Next);

    private bool HasJobs => !_jobs.IsEmpty || _postponed is not null;

    private bool IsLogThread => Volatile.Read(ref _logThread) == Environment.CurrentManagedThreadId;

    private bool WriteGroup()
    {
        bool mustSync = false;
        while (TryNextJob(out AppendJob? job))
        {
            if (!TrySaveSnapshot(job))
            {
                _postponed = job;
                break;
            }

            _group.Add(job);
            Write(job);
            mustSync |= job.MustSync;
        }

        if (_group.Count == 0)
        {
            return false;
        }

        if (mustSync)
        {
            _parts.Log.Sync();
        }

        foreach (AppendJob job in _group)
        {
            _written.Enqueue(job);
        }

        _group.Clear();
        RunOnce();
        return true;
    }

    private bool TryNextJob([NotNullWhen(true)] out AppendJob? job)
    {
        if (_postponed is not { } postponed)
        {
            return _jobs.TryDequeue(out job);
        }

        _postponed = null;
        job = postponed;
        return true;
    }

    /// <summary>
    /// A snapshot that has arrived gets its name. On a full disk it waits, and everything behind it: nothing of it counts yet, and nobody
    /// was told of it. It is tried again with the next message that comes.
    /// </summary>
    private bool TrySaveSnapshot(AppendJob job)
    {
        try
        {
            if (job.Snapshot is { } snapshot)
            {
                _parts.Snapshots.Save(snapshot, job.File!);
            }

            return true;
        }
        catch (FileSystemException e) when (e.Error == FileSystemError.NoSpace && !e.Operation.Contains("sync", StringComparison.Ordinal))
        {
            DiskFull();
            return false;
        }
    }

    private void Write(AppendJob job)
    {
        if (job.Snapshot is { } snapshot)
        {
            // The record in the log makes the snapshot count: so its files are durable before, and what counts on it comes after.
            _parts.Log.SaveSnapshot(snapshot);
            if (job.HardState is { } state && !job.Entries.IsEmpty)
            {
                // Recovery takes a snapshot only if the saved commit index reaches it. A write that tears between the entries and
                // the state behind them would else leave entries that follow a snapshot which does not count: a gap.
                _parts.Log.Append(state with { Commit = snapshot.Index }, []);
            }
        }

        if (job.HardState is not null || !job.Entries.IsEmpty)
        {
            Append(job.HardState, job.Entries);
        }
    }

    /// <summary>
    /// In front of each change of the membership goes a state that commits what is before it. A change is proposed when the one
    /// before is applied, so whoever has it knows that one to be committed, and must know it still after a write that tears
    /// between the change and the state behind it: with the configuration of two changes ago it could be elected by voters
    /// that nobody else counts any more (raft thesis 4.1).
    /// </summary>
    private void Append(HardState? state, ReadOnlySpan<Entry> entries)
    {
        int from = 0;
        for (int i = 0; state is { } known && i < entries.Length; i++)
        {
            if (entries[i].Type != EntryType.Normal)
            {
                var before = new LogIndex(entries[i].Index.Value - 1);
                _parts.Log.Append(known with { Commit = known.Commit < before ? known.Commit : before }, entries[from..i]);
                from = i;
            }
        }

        _parts.Log.Append(state, entries[from..]);
    }

    /// <summary>Files of snapshots that nobody needs any more: when there is nothing to write.</summary>
    private bool Tidy()
    {
        bool any = false;
        while (_unwanted.TryDequeue(out string? file))
        {
            any = true;
            _parts.Snapshots.Discard(file);
        }

        long purgeBefore = Interlocked.Exchange(ref _purgeBefore, 0);
        if (purgeBefore != 0)
        {
            any = true;
            _parts.Snapshots.PurgeBefore(new LogIndex((ulong)purgeBefore));
        }

        return any;
    }

    private void Queue(AppendJob job)
    {
        _jobs.Enqueue(job);
        WakeLog();
    }

    private void Discard(string file)
    {
        _unwanted.Enqueue(file);
        WakeLog();
    }

    private void PurgeBefore(LogIndex index)
    {
        Interlocked.Exchange(ref _purgeBefore, (long)index.Value);
        WakeLog();
    }

    private void WakeLog()
    {
        // It looks again anyway before it sleeps.
        if (!IsLogThread)
        {
            LogWork();
        }
    }
}
