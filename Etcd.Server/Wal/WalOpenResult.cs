using Etcd.Server.Raft;

namespace Etcd.Server.Wal;

/// <summary>What is in a log from a snapshot on.</summary>
/// <param name="Metadata">Who wrote it: etcdserverpb.Metadata.</param>
/// <param name="HardState">The last hard state; empty if none was written.</param>
/// <param name="Entries">The entries behind the snapshot, without gaps. They share the read buffers' memory.</param>
public record WalContent(ReadOnlyMemory<byte> Metadata, HardState HardState, List<Entry> Entries);

/// <summary>A log that was opened to go on with.</summary>
/// <param name="Log">The log, positioned behind its last record.</param>
/// <param name="Metadata"><inheritdoc cref="WalContent" path="/param[@name='Metadata']"/></param>
/// <param name="HardState"><inheritdoc cref="WalContent" path="/param[@name='HardState']"/></param>
/// <param name="Entries"><inheritdoc cref="WalContent" path="/param[@name='Entries']"/></param>
/// <param name="Repair">What a torn write at the end made necessary; null if the end was clean.</param>
public sealed record WalOpenResult(
    WriteAheadLog Log, ReadOnlyMemory<byte> Metadata, HardState HardState, List<Entry> Entries, WalRepair? Repair)
    : WalContent(Metadata, HardState, Entries);

/// <summary>A torn write was cut off the last segment.</summary>
/// <param name="File">The segment.</param>
/// <param name="Offset">Its length now: the end of the last whole record.</param>
/// <param name="Backup">The copy of the segment as it was found.</param>
public sealed record WalRepair(string File, long Offset, string Backup);
