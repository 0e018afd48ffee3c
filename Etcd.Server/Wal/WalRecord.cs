namespace Etcd.Server.Wal;

/// <summary>A record as it was read: its CRC has been checked.</summary>
/// <param name="Type">As written; not part of what the CRC covers, so the reader of the data has to doubt it.</param>
/// <param name="Data">A slice of the read buffer, which stays valid.</param>
/// <param name="Segment">The file it is in.</param>
/// <param name="Offset">The position of its frame.</param>
internal readonly record struct WalRecord(RecordType Type, ReadOnlyMemory<byte> Data, Segment Segment, long Offset)
{
    public WalException Refuse(WalError error, string message) => new(error, message, Segment.Path, Offset);
}
