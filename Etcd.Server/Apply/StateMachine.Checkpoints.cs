using System.Collections.Concurrent;
using Etcd.Server.Apply.Snapshots;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Apply;

/// <content>
/// Checkpoints: the whole state at one index becomes durable in the store's folder, keys, everything beside them and the index in one
/// step. Begun here between two batches, which takes a moment; written by whoever calls <see cref="MvccStore.RunDiskOnce"/>.
/// </content>
public sealed partial class StateMachine
{
    // While the disk works, what it has done is looked for so often when nothing else is applied.
    private static readonly TimeSpan DiskPoll = TimeSpan.FromMilliseconds(2);

    private const string DamagedText = "the store is damaged";

    // Another try when a disk was full comes after so much less than what makes a checkpoint due.
    private const long RetryShare = 10;

    private readonly ConcurrentQueue<TaskCompletionSource> _defragmentsAsked = new();
    private readonly List<TaskCompletionSource> _defragments = [];
    private readonly ConcurrentQueue<(string File, TaskCompletionSource Done)> _toWriteAgain = new();
    private CheckpointMark _last;
    private LogIndex _checkpointed;
    private LogIndex _notBefore;
    private CheckpointMark _writing;

    /// <summary>When a checkpoint is due.</summary>
    public CheckpointOptions Checkpoints { get; init; } = new();

    /// <summary>Called, by the apply thread, when work on the disk was given up because it is full.</summary>
    public Action DiskFull { get; set; } = static () => { };

    /// <summary>
    /// Gives back the space of what compaction has dropped; completes when that is done. It stops neither readers nor writers. Any
    /// thread; <see cref="Maintain"/> is to be called soon.
    /// </summary>
    /// <returns>Faults with <see cref="IOException"/> if there is no space to work with, or what must be read is damaged.</returns>
    public Task DefragmentAsync()
    {
        // A store in memory drops what compaction drops at once.
        if (!_store.HasDisk)
            return Task.CompletedTask;

        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _defragmentsAsked.Enqueue(asked);
        return asked.Task;
    }

    /// <summary>
    /// Writes a damaged file again from what memory has of it; completes when that is durable. Any thread; <see cref="Maintain"/> is to
    /// be called soon.
    /// </summary>
    /// <param name="file">The path of the file.</param>
    /// <returns>Faults with <see cref="IOException"/> if there is no space, or records are lost.</returns>
    public Task WriteAgainAsync(string file)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _toWriteAgain.Enqueue((file, done));
        return done.Task;
    }

    /// <summary>Whether the disk is at work, or is to be.</summary>
    private bool UsesDisk => _store.HasDisk && !_store.IsAbandoned
        && (_store.IsWriting || (_store.WantsCheckpoint && CanCheckpoint) || _store.IsDefragmenting || !_defragmentsAsked.IsEmpty || !_toWriteAgain.IsEmpty);

    private bool CanCheckpoint => _last.Index >= _notBefore && _last.Index != LogIndex.Zero;

    private void Remember(in Entry entry) => _last = new CheckpointMark(entry.Index, entry.Term);

    private void CheckpointIfDue()
    {
        if (!_store.HasDisk)
            return;

        TakeDiskWork();
        ulong since = _last.Index.Value - _checkpointed.Value;
        bool isDue = since >= (ulong)Checkpoints.Entries || _store.UnwrittenBytes >= Checkpoints.Bytes;
        if (isDue)
            BeginCheckpoint();

        NeedsMaintenance |= UsesDisk;
    }

    private void BeginCheckpoint()
    {
        if (_store.IsWriting || !CanCheckpoint)
            return;

        ClusterState.Snapshot cluster = _cluster.Current;
        BucketTable table = SmallBuckets(cluster, _store.CompactRevision, _store.FinishedCompactRevision, _last.Index, _last.Term);
        IReadOnlyList<MetaRecord> records = table.ToRecords();
        IReadOnlyList<LeaseRecord> leases = _leaseRoom.Records();
        _writing = _last;
        _store.BeginCheckpoint(
            _last,
            records.Concat(leases.Select(l => new MetaRecord(StateBuckets.Lease, LeaseCursor.KeyOf(l), LeaseCursor.ValueOf(l)))));
    }

    private void TakeDiskWork()
    {
        switch (_store.TakeDiskWork())
        {
            case DiskOutcome.Checkpoint:
                _checkpointed = _writing.Index;
                if (!_store.IsDefragmenting && !_store.WantsCheckpoint)
                    EndDefragments(static d => d.TrySetResult());

                break;
            case DiskOutcome.OutOfSpace:
                _notBefore = new LogIndex(_last.Index.Value + (ulong)Math.Max(1, Checkpoints.Entries / RetryShare));
                EndDefragments(static d => d.TrySetException(new IOException("no space left on device")));
                DiskFull();
                break;
            case DiskOutcome.Damaged:
                // Those who repair the store will ask for what is wanted then.
                EndDefragments(static d => d.TrySetException(new IOException(DamagedText)));
                break;
        }
    }

    private void EndDefragments(Action<TaskCompletionSource> end)
    {
        _defragments.ForEach(end);
        _defragments.Clear();
    }

    private void BeginDefragments()
    {
        if (_store.IsDamaged)
        {
            EndDefragments(static d => d.TrySetException(new IOException(DamagedText)));
            RefuseWorkOnFiles();
            return;
        }

        while (_toWriteAgain.TryDequeue(out (string File, TaskCompletionSource Done) again))
        {
            _notBefore = default;
            _store.WriteAgain(again.File);
            _defragments.Add(again.Done);
        }

        if (_store.IsDefragmenting || _defragments.Count > 0)
            return;

        // Whoever compacts and then asks for the space means what the compaction drops, which is not all done yet.
        if (_store.FinishedCompactRevision < _store.CompactRevision)
            return;

        while (_defragmentsAsked.TryDequeue(out TaskCompletionSource? asked))
            _defragments.Add(asked);

        if (_defragments.Count == 0)
            return;

        // Whoever asks has made room, or is to hear that there is none.
        _notBefore = default;
        _store.Defragment();
    }

    private void RefuseWorkOnFiles()
    {
        while (_toWriteAgain.TryDequeue(out (string File, TaskCompletionSource Done) again))
            again.Done.TrySetException(new IOException(DamagedText));

        while (_defragmentsAsked.TryDequeue(out TaskCompletionSource? asked))
            asked.TrySetException(new IOException(DamagedText));
    }

    private StoreWork MaintainStore()
    {
        if (!_store.HasDisk)
            return _store.RunOnce();

        if (_store.IsAbandoned)
        {
            RefuseWorkOnFiles();
            return StoreWork.None;
        }

        TakeDiskWork();
        BeginDefragments();
        // Copies come first: one checkpoint serves many.
        StoreWork work = _store.RunOnce();
        if (_store.WantsCheckpoint)
            BeginCheckpoint();

        return work;
    }
}
