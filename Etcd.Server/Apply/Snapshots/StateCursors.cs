using Etcd.Server.Bolt;
using Etcd.Server.Lease;
using Etcd.Server.Storage;
using Google.Protobuf;

namespace Etcd.Server.Apply.Snapshots;

/// <summary>A pinned history as the key bucket.</summary>
internal sealed class HistoryCursor(HistoryPin history) : BoltCursor
{
    private readonly HistoryPin.HistoryReader _reader = history.Read();
    private readonly byte[] _key = new byte[StateBuckets.RevisionBytes + 1];
    private int _keyLength;

    public override ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

    public override ReadOnlySpan<byte> Value => _reader.Stored;

    public override bool MoveNext()
    {
        if (!_reader.MoveNext())
            return false;

        _keyLength = StateBuckets.WriteRevision(_key, _reader.Revision, _reader.IsTombstone);
        return true;
    }
}

/// <summary>Leases, ascending by their ids' bytes, as the lease bucket.</summary>
internal sealed class LeaseCursor(LeaseRecord[] leases) : BoltCursor
{
    private int _at = -1;
    private byte[] _key = [];
    private byte[] _value = [];

    public override ReadOnlySpan<byte> Key => _key;

    public override ReadOnlySpan<byte> Value => _value;

    public override bool MoveNext()
    {
        if (++_at >= leases.Length)
            return false;

        _key = KeyOf(leases[_at]);
        _value = ValueOf(leases[_at]);
        return true;
    }

    /// <summary>A lease's key in the bucket.</summary>
    public static byte[] KeyOf(in LeaseRecord lease) => StateBuckets.Number((ulong)lease.Id.Value);

    /// <summary>A lease's value in the bucket.</summary>
    public static byte[] ValueOf(in LeaseRecord lease) => new Protocol.Leasepb.Lease
    {
        ID = lease.Id.Value,
        TTL = lease.TtlSeconds,
        RemainingTTL = lease.RemainingSeconds,
    }.ToByteArray();
}
