using System.Runtime.InteropServices;
using Etcd.Server.Primitives;
using Etcd.Server.Storage.Disk;
using Etcd.Server.Storage.Index;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage;

/// <summary>
/// The multi-version store: every change of every key since the last compaction, readable at every revision since then. It
/// behaves as etcd's: the empty store is at revision 1, each transaction that changes something takes one revision, and the
/// changes inside it are numbered from 0.
/// <para>
/// Writing: <see cref="Begin"/>, changes, <see cref="WriteTxn.End"/>, any number of times, then <see cref="Publish"/>: only
/// that lets readers and watchers see the batch, in one atomic write. Everything that a write changes is the same on every
/// member that applies the same commands.
/// </para>
/// <para>
/// Threads: <see cref="Begin"/>, everything of <see cref="WriteTxn"/>, <see cref="Publish"/>, <see cref="Compact"/> and
/// <see cref="RunOnce"/> belong to one thread at a time (the apply thread's). All reads may come from any thread at any time;
/// they take no lock, wait for nobody, and see one published state from beginning to end.
/// </para>
/// An <see cref="InvariantException"/> from a write means that the state can no longer be trusted: stop the member.
/// </summary>
public sealed partial class MvccStore : IEventHistory, IStoreSize
{
    // What an unusual batch (a delete of a whole prefix) adds beyond is given back.
    private const int EventsKept = 16 * 1024;

    private KeyIndex _index = new();
    private RevisionLog _log = new();
    private readonly List<StoreEvent> _events = [];
    private readonly WriteTxn _txn;
    private IEventSink? _sink;
    private StoreView _view;
    private long _revision = 1;
    private long _compactRevision = -1;

    /// <summary>An empty store at revision 1.</summary>
    public MvccStore()
    {
        _txn = new WriteTxn(this);
        _view = new StoreView(WorkingState());
    }

    /// <summary>The newest revision that readers can see. Any thread.</summary>
    public long CurrentRevision => Volatile.Read(ref _view).State.Revision;

    /// <summary>The revision of the last compaction that readers know of; -1 if there was none, as in etcd. Any thread.</summary>
    public long CompactRevision => Volatile.Read(ref _view).State.CompactRevision;

    /// <summary>The revision of the last transaction, published or not. The writer's thread.</summary>
    public long WorkingRevision => _revision;

    /// <summary>
    /// Bytes that the history takes, in files and on its way to them; never zero, as there is no database without a beginning. Neither files
    /// that only wait for the next checkpoint to go count, nor what is dead before it is written. Any thread; a batch that is being applied
    /// may be in it.
    /// </summary>
    public long SizeBytes => Math.Max(CountedFileBytes, StoreFormat.FileHeadBytes) + _log.UnwrittenLiveBytes;

    /// <summary>Bytes of records that are not dropped. Any thread, with the same inaccuracy.</summary>
    public long SizeInUseBytes => StoreFormat.FileHeadBytes + _log.LiveBytes;

    /// <summary>Bytes of memory that the key index takes beside its tree's nodes. The writer's thread.</summary>
    internal long IndexBytes => _index.Slabs.UsedBytes;

    internal KeyIndex Index => _index;

    internal RevisionLog Log => _log;

    internal List<StoreEvent> Events => _events;

    /// <summary>Names the receiver of each batch's events; once, before the first batch.</summary>
    /// <param name="sink">The receiver.</param>
    public void ConnectSink(IEventSink sink)
    {
        Invariant.Check(_sink is null, "the store has one event sink");
        _sink = sink;
    }

    /// <summary>Begins a transaction. The same object is given out each time.</summary>
    /// <returns>The transaction, to be ended before the next one begins.</returns>
    public WriteTxn Begin()
    {
        Invariant.Check(!_isAbandoned, "nothing is written to a state that was given up");
        _txn.Start(_revision);
        return _txn;
    }

    /// <summary>
    /// Ends a batch: readers see it from now on, and then the sink gets its events. Cheap when nothing has changed.
    /// </summary>
    public void Publish()
    {
        Invariant.Check(!_txn.IsOpen, "a transaction is ended before its batch is published");
        StoreState published = _view.State;
        if (published.Revision != _revision || published.CompactRevision != _compactRevision)
            PublishView();

        if (_index.Slabs.HasRetired)
            _index.Collect();

        if (_events.Count == 0)
            return;

        _sink?.OnCommitted(CollectionsMarshal.AsSpan(_events), _revision);
        _events.Clear();
        if (_events.Capacity > EventsKept)
            _events.Capacity = 0;
    }

    /// <summary>Answers a query from the published state. Any thread; <paramref name="result"/> belongs to the caller.</summary>
    /// <param name="query">The query.</param>
    /// <param name="result">Receives the answer; its revision is set in any case.</param>
    /// <returns>Ok, or why there is no answer.</returns>
    public ReadStatus Range(in RangeQuery query, RangeResult result)
    {
        using EpochGate.Pin pin = Enter(out StoreState state);
        return RangeExecutor.Execute(state.Index, state, query, result);
    }

    /// <summary>As <see cref="Range"/>, but <see cref="RangeResult.Count"/> is how many keys the read has looked at.</summary>
    internal ReadStatus RangeWithoutCount(in RangeQuery query, RangeResult result)
    {
        using EpochGate.Pin pin = Enter(out StoreState state);
        return RangeExecutor.Execute(state.Index, state, query, result, withCount: false);
    }

    /// <summary>Reads one key at the current revision. Any thread; allocates nothing.</summary>
    /// <param name="key">The key.</param>
    /// <param name="record">Its encoded mvccpb.KeyValue; valid for as long as it is held.</param>
    /// <param name="revision">The revision that was read.</param>
    /// <returns>Whether the key exists.</returns>
    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlyMemory<byte> record, out long revision)
    {
        using EpochGate.Pin pin = Enter(out StoreState state);
        revision = state.Revision;
        if (RangeExecutor.TryFind(state.Index, new IndexReader(state.Index, state.Root), key, revision, out _, out KeyVersion version))
        {
            record = RevisionLog.Read(state.Segments, version.Modified);
            return true;
        }

        record = default;
        return false;
    }

    /// <summary>
    /// Runs several reads on one published state, so that they agree with each other. Any thread. The body must not block.
    /// </summary>
    /// <typeparam name="TArg">What the body needs.</typeparam>
    /// <typeparam name="TResult">What it finds.</typeparam>
    /// <param name="argument">Passed to the body.</param>
    /// <param name="body">Reads through the snapshot that it is given.</param>
    /// <returns>What the body returns.</returns>
    public TResult Read<TArg, TResult>(TArg argument, SnapshotReader<TArg, TResult> body)
    {
        using EpochGate.Pin pin = Enter(out StoreState state);
        return body(new StoreSnapshot(state.Index, state), argument);
    }

    internal StoreState WorkingState() => new(_index, _index.Root, _log.Segments, _revision, _compactRevision);

    internal void Ended(long revision) => _revision = revision;

    /// <summary>
    /// Begins a read: the pin belongs to the index of the state that is read. If the whole state was replaced in between, the
    /// pin was taken at an index that nobody changes any more, and the read begins again.
    /// </summary>
    private EpochGate.Pin Enter(out StoreState state)
    {
        while (true)
        {
            KeyIndex index = Volatile.Read(ref _view).State.Index;
            EpochGate.Pin pin = index.Epochs.Enter();
            state = Volatile.Read(ref _view).State;
            if (state.Index == index)
                return pin;

            pin.Dispose();
        }
    }

    private void PublishView()
    {
        Volatile.Write(ref _view, new StoreView(WorkingState()));
        _index.BeginBatch();
    }
}

/// <summary>Reads that belong together; see <see cref="MvccStore.Read"/>.</summary>
/// <typeparam name="TArg">What it needs.</typeparam>
/// <typeparam name="TResult">What it finds.</typeparam>
/// <param name="snapshot">The state to read; valid during the call only.</param>
/// <param name="argument">The caller's argument.</param>
/// <returns>The caller's result.</returns>
public delegate TResult SnapshotReader<TArg, TResult>(StoreSnapshot snapshot, TArg argument);
