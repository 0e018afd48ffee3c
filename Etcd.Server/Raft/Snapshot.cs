using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>
/// The state machine's state at one index, as the log sees it (raftpb.Snapshot). The state itself travels beside it, by the
/// owner; the log needs to know only where it stands and who the members are.
/// </summary>
/// <param name="Index">The last entry that is in it.</param>
/// <param name="Term">That entry's term.</param>
/// <param name="Configuration">The configuration at that entry.</param>
/// <param name="Data">Bytes that travel in the message itself; opaque here.</param>
public sealed record Snapshot(LogIndex Index, Term Term, ConfState Configuration, ReadOnlyMemory<byte> Data);
