using Etcd.Server.Storage.Index;

namespace Etcd.Server.Storage;

/// <summary>One published state, held for the length of a <see cref="MvccStore.Read"/>.</summary>
public readonly ref struct StoreSnapshot : IStoreReads
{
    private readonly KeyIndex _index;
    private readonly StoreState _state;

    internal StoreSnapshot(KeyIndex index, StoreState state)
    {
        _index = index;
        _state = state;
    }

    /// <inheritdoc/>
    public long BaseRevision => _state.Revision;

    /// <inheritdoc/>
    public long CompactRevision => _state.CompactRevision;

    /// <inheritdoc/>
    public ReadStatus Range(in RangeQuery query, RangeResult result) => RangeExecutor.Execute(_index, _state, query, result);
}
