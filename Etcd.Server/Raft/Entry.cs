using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>What an entry carries (raftpb.EntryType).</summary>
public enum EntryType : byte
{
    /// <summary>A command for the state machine, or nothing (a new leader's first entry).</summary>
    Normal = 0,

    /// <summary>A change of one member (raftpb.ConfChange).</summary>
    ConfChange = 1,

    /// <summary>A change of several members (raftpb.ConfChangeV2); read, never written: Go members do not take it from etcd.</summary>
    ConfChangeV2 = 2,
}

/// <summary>One entry of the replicated log (raftpb.Entry). The data is never changed after the entry was made.</summary>
/// <param name="Term">The leader's term when it took the proposal.</param>
/// <param name="Index">The position in the log.</param>
/// <param name="Type">What <paramref name="Data"/> is.</param>
/// <param name="Data">The command; empty for a new leader's first entry.</param>
public readonly record struct Entry(Term Term, LogIndex Index, EntryType Type, ReadOnlyMemory<byte> Data);
