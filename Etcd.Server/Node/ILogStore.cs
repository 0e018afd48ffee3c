using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <summary>
/// Where the node's log becomes durable: the WAL, or a recording fake. Called by the log thread only. Any exception is
/// final: what is on disk is then unknown, and the member must stop (a failed sync may not be tried again, because the
/// kernel may have dropped the pages that it could not write).
/// </summary>
public interface ILogStore
{
    /// <summary>Writes, without a promise of durability.</summary>
    /// <param name="hardState">The new hard state, if it changed.</param>
    /// <param name="entries">The entries that follow the last ones; the first may replace entries that are there.</param>
    void Append(HardState? hardState, ReadOnlySpan<Entry> entries);

    /// <summary>
    /// Records that a snapshot stands in place of the log up to its index. Its files are durable already; the record, and all
    /// that was appended before, is when this returns.
    /// </summary>
    /// <param name="snapshot">The snapshot.</param>
    void SaveSnapshot(Snapshot snapshot);

    /// <summary>Returns when everything appended so far is on stable storage.</summary>
    void Sync();

    /// <summary>Does one small piece of work that makes later appends cheaper, when there is nothing to append.</summary>
    /// <returns>Whether there is more of it.</returns>
    bool PrepareAhead();
}
