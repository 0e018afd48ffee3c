using Etcd.Server.Primitives;

namespace Etcd.Server.Apply;

/// <summary>
/// What was done to the store, for etcd's etcd_mvcc_*_total metrics. Operations inside transactions count like others. Writes are
/// counted by the apply thread; reads by any.
/// </summary>
public sealed class StoreFigures
{
    private long _puts;
    private long _putBytes;
    private long _deletes;
    private long _txns;

    /// <summary>etcd_mvcc_range_total.</summary>
    public Tally Ranges { get; } = new();

    /// <summary>etcd_mvcc_put_total.</summary>
    public long Puts => Volatile.Read(ref _puts);

    /// <summary>etcd_debugging_mvcc_total_put_size_in_bytes: keys and values.</summary>
    public long PutBytes => Volatile.Read(ref _putBytes);

    /// <summary>etcd_mvcc_delete_total.</summary>
    public long Deletes => Volatile.Read(ref _deletes);

    /// <summary>etcd_mvcc_txn_total: transactions with more than one operation.</summary>
    public long Txns => Volatile.Read(ref _txns);

    internal void CountPut(int bytes)
    {
        Volatile.Write(ref _puts, _puts + 1);
        Volatile.Write(ref _putBytes, _putBytes + bytes);
    }

    internal void CountDelete() => Volatile.Write(ref _deletes, _deletes + 1);

    /// <summary>A transaction was carried out; that of a reader may be counted by any thread.</summary>
    internal void CountTxn(int operations)
    {
        if (operations > 1)
        {
            Interlocked.Increment(ref _txns);
        }
    }
}
