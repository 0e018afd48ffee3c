using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Node;

/// <content>
/// The whole state replaced by another: by the leader's snapshot, which is in the queue where raft has put it, or, to repair a
/// damaged store, by one that this member has asked for. The second changes nothing of the log: it stands at an index whose entry this member
/// has, or will have, committed, and the entries behind it follow.
/// <para>An entry that meets damaged data cannot be applied, and has perhaps been applied half way. Nothing is applied any more then,
/// readers stay with what was published, and entries wait in the queue. Those up to the index of the state that comes are passed over;
/// raft still hears of the changes of the membership among them.</para>
/// </content>
internal sealed partial class ApplyLoop
{
    private static readonly TimeSpan InstallRetry = TimeSpan.FromSeconds(1);

    private readonly List<ApplyNews> _passedOver = [];
    private volatile StoreException? _damage = parts.Damage;
    private StateReplacement? _replacement;
    private LogIndex _passedThrough;
    private long _holdAfter = long.MaxValue;
    private long _enqueued;
    private int _snapshots;
    private long _installNotBefore;

    /// <summary>Whether nothing can be applied, because data that it needs are damaged. Any thread.</summary>
    public bool IsDamaged => _damage is not null;

    /// <summary>Entries behind an index wait from now on; a batch that has begun ends with the entry that it is at. Any thread.</summary>
    /// <param name="after">The last index that may be applied.</param>
    public void Hold(LogIndex after) => Volatile.Write(ref _holdAfter, (long)Math.Min(after.Value, long.MaxValue));

    /// <summary>Nothing waits any more. Any thread.</summary>
    public void Release() => Volatile.Write(ref _holdAfter, long.MaxValue);

    /// <summary>
    /// Asks for the state to be replaced when it stands at the replacement's index, or cannot go there by itself. One at a time; the one
    /// before is given up. Any thread.
    /// </summary>
    /// <param name="replacement">By what.</param>
    public void Replace(StateReplacement replacement) => Interlocked.Exchange(ref _replacement, replacement)?.GiveUp();

    /// <summary>Nothing is replaced any more. Any thread.</summary>
    public void FailReplacement() => Interlocked.Exchange(ref _replacement, null)?.GiveUp();

    private static TimeSpan Sooner(TimeSpan a, TimeSpan b) =>
        a == Timeout.InfiniteTimeSpan || (b != Timeout.InfiniteTimeSpan && b < a) ? b : a;

    private bool HasExports => !_copies.IsEmpty || (!_exports.IsEmpty && _damage is null);

    private bool WaitsForSpace =>
        Volatile.Read(ref _installNotBefore) is not 0 and var until && parts.Clock.GetTimestamp() < until;

    // Where the state is, or where it is taken when all entries up to there have come.
    private bool MayReplace
    {
        get
        {
            if (Volatile.Read(ref _replacement) is not { } replacement || Volatile.Read(ref _snapshots) > 0)
            {
                return false;
            }

            long index = (long)replacement.Index.Value;
            return index <= Volatile.Read(ref _applied) || (_damage is not null && index <= Volatile.Read(ref _enqueued));
        }
    }

    private bool MayTake(in Work work)
    {
        if (work.Snapshot is not null || (_damage is not null && Volatile.Read(ref _snapshots) > 0))
        {
            return !WaitsForSpace;
        }

        return _damage is null && (long)work.Entry.Index.Value <= Volatile.Read(ref _holdAfter);
    }

    private TimeSpan UntilNextInstall()
    {
        if (!WaitsForSpace)
        {
            return Timeout.InfiniteTimeSpan;
        }

        TimeSpan left = parts.Clock.GetElapsedTime(parts.Clock.GetTimestamp(), Volatile.Read(ref _installNotBefore));
        return left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1);
    }

    /// <summary>Applies an entry, unless it meets damaged data.</summary>
    /// <returns>Whether it was applied.</returns>
    private bool TryApply(in Entry entry, out ApplyOutcome? outcome, out ulong requestId)
    {
        try
        {
            outcome = _machine.Apply(in entry, out requestId);
            return true;
        }
        catch (StoreException e)
        {
            outcome = null;
            requestId = 0;
            _machine.Abandon();
            _damage = e;
            LeaveOpen(entry);
            // They are committed, and whoever reads elsewhere sees them; here they become visible with the new state.
            _done.ForEach(static proposal => proposal.Settle(new ApplyOutcome(EtcdErrors.Timeout, 0)));
            AnswerBatch.Post(parts.Completions, _done);
            _done.Clear();
            return false;
        }
    }

    /// <summary>The entry counts, and its request gets no answer here but that it took too long: that leaves open whether it was applied.</summary>
    private void LeaveOpen(in Entry entry)
    {
        ulong id = entry.Data.IsEmpty ? 0 : CommandReader.Read(entry.Data).RequestId;
        if (Settle(id, new ApplyOutcome(EtcdErrors.Timeout, 0)) is { } proposal)
        {
            AnswerBatch.Post(parts.Completions, proposal);
        }
    }

    /// <summary>Takes entries up to an index out of the queue: a state that holds them is about to come.</summary>
    private void PassOver(LogIndex through)
    {
        while (_committed.TryPeek(out Work work) && work.Snapshot is null && work.Entry.Index <= through)
        {
            _committed.TryDequeue(out work);
            _passedThrough = work.Entry.Index;
            if (work.Entry.Type == EntryType.Normal)
            {
                LeaveOpen(work.Entry);
            }
            else
            {
                // Who is a member does not lie in the damaged store.
                _passedOver.Add(ApplyConfChange(work.Entry));
            }
        }
    }

    private bool InstallSnapshot()
    {
        if (_damage is not null && Volatile.Read(ref _snapshots) > 0)
        {
            PassOver(new LogIndex(ulong.MaxValue));
        }

        if (!_committed.TryPeek(out Work work) || work.Snapshot is not { } snapshot || WaitsForSpace)
        {
            return false;
        }

        Invariant.Check(snapshot.Index > Applied, "a snapshot brings what is not applied yet");
        figures.BeginSnapshot();
        try
        {
            using Stream content = parts.Snapshots.OpenDatabase(snapshot.Index);
            parts.State.Install(content, snapshot.Index, snapshot.Term);
        }
        catch (FileSystemException e) when (e.Error == FileSystemError.NoSpace)
        {
            // It is durable as it came, and nothing of the state has changed: it is installed when there is room.
            Volatile.Write(ref _installNotBefore, parts.Clock.GetTimestamp() + NodeOptions.Timestamps(InstallRetry, parts.Clock));
            return false;
        }
        finally
        {
            figures.EndSnapshot();
        }

        _committed.TryDequeue(out _);
        Interlocked.Decrement(ref _snapshots);
        Installed(snapshot.Index, snapshot.Term, isReceived: true);
        return true;
    }

    private bool ReplaceState()
    {
        if (!MayReplace || Interlocked.Exchange(ref _replacement, null) is not { } replacement)
        {
            return false;
        }

        // A snapshot of the leader's, or entries that nobody has held, have overtaken it.
        if (replacement.Index < Applied || replacement.Index < _passedThrough || !replacement.TryBegin())
        {
            replacement.GiveUp();
            return true;
        }

        if (_damage is not null)
        {
            PassOver(replacement.Index);
        }

        try
        {
            using Stream content = replacement.Open();
            parts.State.Install(content, replacement.Index, replacement.Term);
        }
        catch (Exception e) when (e is InvalidDataException or FileSystemException { Error: FileSystemError.NoSpace })
        {
            replacement.Fail(e);
            return true;
        }
        catch (Exception e)
        {
            // The node ends; who waits for the replacement must not wait for ever.
            replacement.Fail(new IOException("the state could not be put in place", e));
            throw;
        }

        Release();
        Installed(replacement.Index, replacement.Term, isReceived: false);
        replacement.Complete();
        return true;
    }

    private void Installed(LogIndex index, Term term, bool isReceived)
    {
        _damage = null;
        Volatile.Write(ref _installNotBefore, 0);
        _appliedTerm = term;
        AskForMaintenance();
        foreach (ApplyNews news in _passedOver)
        {
            _news.Enqueue(news);
        }

        _passedOver.Clear();
        if (isReceived)
        {
            // Older ones may go. Of a state that was asked for nothing is kept but the store's next checkpoint.
            _news.Enqueue(new ApplyNews(index, null, null));
        }

        Volatile.Write(ref _applied, (long)index.Value);
        waiters.Release(index);
    }
}
