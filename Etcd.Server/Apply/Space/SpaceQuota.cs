using Etcd.Server.Apply.Requests;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Apply.Space;

/// <summary>
/// How much the store may take (--quota-backend-bytes), and whether a request still fits. The store is measured now and then
/// (<see cref="Measure"/>), not for every request; so the quota can be exceeded by what is written in between, as in etcd.
/// Any thread.
/// </summary>
public sealed class SpaceQuota
{
    private readonly IStoreSize _store;
    private long _used;

    /// <summary>A quota.</summary>
    /// <param name="store">What is measured.</param>
    /// <param name="bytes">The quota; zero for etcd's default, below zero for none.</param>
    public SpaceQuota(IStoreSize store, long bytes)
    {
        _store = store;
        Bytes = bytes == 0 ? Limits.QuotaBytesDefault : bytes;
        Measure();
    }

    /// <summary>The quota; below zero if there is none.</summary>
    public long Bytes { get; }

    /// <summary>Whether there is one.</summary>
    public bool IsLimited => Bytes >= 0;

    /// <summary>What the store took when it was last measured.</summary>
    public long UsedBytes => Volatile.Read(ref _used);

    /// <summary>Measures the store.</summary>
    public void Measure() => Volatile.Write(ref _used, _store.SizeBytes);

    /// <summary>Whether a request fits. One that takes no space always does.</summary>
    /// <param name="cost">As of <see cref="WriteCost"/>.</param>
    public bool HasRoomFor(long cost) => !IsLimited || cost == 0 || UsedBytes + cost < Bytes;

    /// <summary>Whether a put fits.</summary>
    /// <param name="put">The request.</param>
    public bool HasRoomFor(in PutRequestView put) => HasRoomFor(WriteCost.Put(put));

    /// <summary>Whether a transaction fits.</summary>
    /// <param name="txn">The request.</param>
    /// <param name="requestBytes">Its encoded length.</param>
    public bool HasRoomFor(TxnRequestTree txn, int requestBytes) =>
        HasRoomFor(WriteCost.AtMost(requestBytes)) || HasRoomFor(WriteCost.Txn(txn));

    /// <summary>Whether a committed command fits.</summary>
    internal bool HasRoomFor(in CommandReader command) => command.Field switch
    {
        _ when HasRoomFor(WriteCost.AtMost(command.Payload.Length)) => true,
        CommandFields.Put => HasRoomFor(new PutRequestView(command.Payload.Span)),
        CommandFields.Txn => HasRoomFor(WriteCost.Txn(TxnRequestTree.Read(command.Payload))),
        CommandFields.LeaseGrant => HasRoomFor(WriteCost.LeaseGrant),
        _ => true,
    };
}
