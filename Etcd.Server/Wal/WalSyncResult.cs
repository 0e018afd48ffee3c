using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Wal;

/// <summary>What a sync made durable.</summary>
/// <param name="LastIndex">Entries up to this one.</param>
/// <param name="LastTerm">The term of that entry, so that an acknowledgement of one replaced since is recognised.</param>
/// <param name="HardState">The hard state.</param>
/// <param name="NewSegment">Whether the segment was full and another one was begun.</param>
public readonly record struct WalSyncResult(LogIndex LastIndex, Term LastTerm, HardState HardState, bool NewSegment);
