using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Raftpb;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Io;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;
using Etcd.Server.Wal;
using Google.Protobuf;
using Entry = Etcd.Server.Raft.Entry;
using EntryType = Etcd.Server.Raft.EntryType;
using HardState = Etcd.Server.Raft.HardState;

namespace Etcd.Server.Hosting;

/// <summary>What a member's log folder says: who it is, and everything that it has durably agreed to.</summary>
/// <param name="MemberId">This member.</param>
/// <param name="ClusterId">Its cluster.</param>
/// <param name="Wal">The log, open for appending.</param>
/// <param name="HardState">The last saved state.</param>
/// <param name="Entries">The whole log.</param>
/// <param name="IsNew">Whether the log was made now.</param>
/// <param name="Repair">What a torn end made necessary.</param>
internal sealed record LogFolder(
    MemberId MemberId,
    ulong ClusterId,
    WriteAheadLog Wal,
    HardState HardState,
    IReadOnlyList<Entry> Entries,
    bool IsNew,
    WalRepair? Repair)
{
    /// <summary>
    /// Opens the folder's log, or begins one. The first entry adds this member, as a new etcd's does; a log that a crash left
    /// without it (nothing was acknowledged then) gets it now.
    /// </summary>
    /// <param name="files">The disk.</param>
    /// <param name="options">Where, and who this member is.</param>
    /// <exception cref="WalException">The log is damaged, or in use by another process.</exception>
    /// <exception cref="NotSupportedException">The log is that of a cluster with other members.</exception>
    public static LogFolder Open(IFileSystem files, ServerOptions options)
    {
        var walOptions = new WalOptions { SyncMode = options.UnsafeNoFsync ? SyncMode.None : SyncMode.Full };
        if (!WriteAheadLog.Exists(files, options.EffectiveWalDir))
        {
            files.CreateDirectoryDurably(Path.GetFullPath(options.EffectiveDataDir));
            WriteAheadLog.Create(files, options.EffectiveWalDir, NewMetadata(options), walOptions).Dispose();
        }

        WalOpenResult found = WriteAheadLog.OpenForAppend(files, options.EffectiveWalDir, WalSnapshotMark.Beginning, walOptions);
        try
        {
            return Read(found, options);
        }
        catch
        {
            found.Log.Dispose();
            throw;
        }
    }

    private static LogFolder Read(WalOpenResult found, ServerOptions options)
    {
        Metadata metadata = Metadata.Parser.ParseFrom(found.Metadata.Span);
        var id = new MemberId(metadata.NodeID);
        bool isNew = found.Entries.Count == 0 && found.HardState.IsEmpty;
        if (!isNew)
        {
            RefuseOtherVoters(found.Entries, id);
            return new LogFolder(id, metadata.ClusterID, found.Log, found.HardState, found.Entries, isNew, found.Repair);
        }

        Entry first = FirstEntry(id, options);
        var state = new HardState(first.Term, MemberId.None, first.Index);
        found.Log.Append(state, [first]);
        found.Log.Sync();
        return new LogFolder(id, metadata.ClusterID, found.Log, state, [first], isNew, found.Repair);
    }

    /// <summary>A sole voter commits what it has: in a log that others vote on, that would make entries of what they may have dropped.</summary>
    private static void RefuseOtherVoters(IReadOnlyList<Entry> entries, MemberId id)
    {
        HashSet<ulong> voters = [];
        foreach (Entry entry in entries.Where(e => e.Type == EntryType.ConfChange))
        {
            ConfChange change = ConfChange.Parser.ParseFrom(entry.Data.Span);
            _ = change.Type == ConfChangeType.ConfChangeRemoveNode ? voters.Remove(change.NodeId) : voters.Add(change.NodeId);
        }

        voters.Remove(id.Value);
        if (voters.Count > 0)
        {
            throw new NotSupportedException(
                $"the log is that of a cluster with {voters.Count} members besides this one: this build starts single-member clusters only");
        }
    }

    private static byte[] NewMetadata(ServerOptions options)
    {
        MemberId id = ClusterIds.ForMember(PeerUrls(options), options.InitialClusterToken);
        return new Metadata { NodeID = id.Value, ClusterID = ClusterIds.ForCluster([id]) }.ToByteArray();
    }

    private static Entry FirstEntry(MemberId id, ServerOptions options)
    {
        var member = new Membership.Member(id, PeerUrls(options), IsLearner: false, options.Name, ClientUrls: []);
        var change = new ConfChange
        {
            Id = 0,
            Type = ConfChangeType.ConfChangeAddNode,
            NodeId = id.Value,
            Context = ByteString.CopyFrom(MemberJson.Encode(member)),
        };
        return new Entry(new Term(1), new LogIndex(1), EntryType.ConfChange, change.ToByteArray());
    }

    private static string[] PeerUrls(ServerOptions options) => [.. options.InitialAdvertisePeerUrls.Select(u => u.Text)];
}
