namespace Etcd.Server.Wal;

/// <summary>What a record holds (the type field of walpb.Record).</summary>
public enum RecordType
{
    /// <summary>Who wrote the log: etcdserverpb.Metadata. Second record of every segment.</summary>
    Metadata = 1,

    /// <summary>raftpb.Entry.</summary>
    Entry = 2,

    /// <summary>raftpb.HardState.</summary>
    State = 3,

    /// <summary>The running CRC with which the segment begins. First record of every segment.</summary>
    Crc = 4,

    /// <summary>walpb.Snapshot: a snapshot up to this index exists.</summary>
    Snapshot = 5,
}
