using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Apply;

/// <summary>
/// The replicated state as a whole: out, for a member that is too far behind for the log, and in. Called by the thread that
/// applies, between batches, never with entries applied and not published.
/// </summary>
public interface IStateSnapshots
{
    /// <summary>The members as of the last applied entry.</summary>
    ConfState Configuration { get; }

    /// <summary>Pins the state as of the last applied entry and returns at once; writing it out happens elsewhere.</summary>
    /// <param name="applied">The index of the last applied entry; it is written into the snapshot.</param>
    /// <param name="term">That entry's term; it is written into the snapshot.</param>
    /// <returns>The state; the caller disposes it.</returns>
    ISnapshotContent Export(LogIndex applied, Term term);

    /// <summary>
    /// Bytes that travel in the message of a snapshot itself (raftpb.Snapshot.data): etcd's JSON of the membership, from which a Go
    /// member learns who the members are before it opens the snapshot.
    /// </summary>
    ReadOnlyMemory<byte> MembershipData { get; }

    /// <summary>
    /// Replaces the whole state, and makes it visible before it returns. Readers that are inside finish on the old state;
    /// watchers go on from the new one where its history allows, and are cancelled as compacted where not.
    /// </summary>
    /// <param name="content">What <see cref="Export"/> of this or another member (a bbolt database, without a trailing hash) wrote; seekable.</param>
    /// <param name="index">The index of the last entry that is in it.</param>
    /// <param name="term">That entry's term.</param>
    /// <exception cref="InvalidDataException">It is not such a state; nothing was replaced.</exception>
    /// <exception cref="FileSystemException">Above all: the disk is full; nothing was replaced, and nothing is left of it.</exception>
    void Install(Stream content, LogIndex index, Term term);

    /// <summary>As <see cref="Install"/>, with the state of the store's own newest checkpoint. Before anything is applied.</summary>
    /// <param name="folder">The store's folder.</param>
    /// <exception cref="StoreException">The files are damaged, or missing.</exception>
    /// <exception cref="InvalidDataException">What is beside the keys is damaged.</exception>
    void Load(StoreFolder folder);

    /// <summary>
    /// As <see cref="Load"/> for what is beside the keys, because these are damaged: enough to find the other members by. Nothing can be
    /// applied before the whole state is installed, and no key be read.
    /// </summary>
    /// <param name="folder">The store's folder.</param>
    void LoadWithoutKeys(StoreFolder folder);
}
