namespace Etcd.Server.Storage;

/// <summary>Reads of one state, whether it is a published one or that of a transaction with its own writes in it.</summary>
public interface IStoreReads
{
    /// <summary>The revision before the transaction's own writes; for a published state, its revision.</summary>
    long BaseRevision { get; }

    /// <summary>The revision of the last compaction; -1 if there was none.</summary>
    long CompactRevision { get; }

    /// <summary>Answers a query.</summary>
    /// <param name="query">The query.</param>
    /// <param name="result">Receives the answer.</param>
    /// <returns>Ok, or why there is no answer.</returns>
    ReadStatus Range(in RangeQuery query, RangeResult result);
}
