using Etcd.Server.Apply;
using Etcd.Server.Apply.Snapshots;
using Etcd.Server.Io;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Snapshots;
using Etcd.Server.Storage.Disk;
using Etcd.Server.Wal;

namespace Etcd.Server.Node;

/// <summary>Where a member keeps what it must not forget.</summary>
/// <param name="Wal">The log's folder, in etcd <c>DATA/member/wal</c>.</param>
/// <param name="Snapshots">The snapshots' folder, in etcd <c>DATA/member/snap</c>.</param>
public sealed record MemberFolders(string Wal, string Snapshots)
{
    /// <summary>The store's folder, beside that of the snapshots.</summary>
    public string Store { get; init; } = Path.Combine(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Snapshots)) ?? "", "store");
}

/// <summary>
/// Who a member is that has no log yet. A log that is there says so itself.
/// </summary>
/// <param name="Id">The member.</param>
/// <param name="ClusterId">The cluster.</param>
/// <param name="InitialMembers">
/// The members that a new cluster begins with, this one among them; none if the cluster is there already and the leader will
/// send everything.
/// </param>
public sealed record MemberBirth(MemberId Id, ulong ClusterId, IReadOnlyList<Member> InitialMembers);

/// <summary>What a member's folders say: who it is, and everything that it has durably agreed to.</summary>
/// <param name="Id">This member.</param>
/// <param name="ClusterId">Its cluster.</param>
/// <param name="Wal">The log, open for appending.</param>
/// <param name="Snapshots">The snapshots' folder.</param>
/// <param name="Store">The store's folder, taken.</param>
/// <param name="Log">What raft starts from.</param>
/// <param name="IsNew">Whether the log was made now.</param>
/// <param name="Repair">What a torn end made necessary.</param>
public sealed record RecoveredMember(
    MemberId Id, ulong ClusterId, WriteAheadLog Wal, SnapshotDirectory Snapshots, StoreFolder Store, RecoveredLog Log, bool IsNew, WalRepair? Repair)
    : IDisposable
{
    /// <summary>What was done to the log to make a new cluster of it; null as a rule.</summary>
    public ForcedCluster? Forced { get; init; }

    /// <summary>
    /// Puts the state of the store's checkpoint, or of a snapshot that is newer, into the state machine: afterwards it stands at
    /// <see cref="RecoveredLog.Applied"/>.
    /// </summary>
    /// <param name="state">The state, empty until now.</param>
    /// <returns>
    /// Null as a rule. If the store's files are damaged and there are other members to get the state from, what is wrong: the state
    /// machine knows the members then, and nothing else.
    /// </returns>
    /// <exception cref="InvalidDataException">The snapshot's state is damaged.</exception>
    /// <exception cref="StoreException">The store's files are damaged, and nobody else has the data.</exception>
    public StoreException? InstallInto(IStateSnapshots state)
    {
        if (Store.Mark is { } mark && mark.Index == Log.Applied)
        {
            try
            {
                state.Load(Store);
            }
            catch (StoreException e) when (e.Error == StoreError.Corrupt && Log.Configuration.Voters.Any(v => v != Id))
            {
                state.LoadWithoutKeys(Store);
                return e;
            }
        }
        else if (Log.Snapshot is { } snapshot)
        {
            using Stream content = Snapshots.OpenDatabase(snapshot.Index);
            state.Install(content, snapshot.Index, snapshot.Term);
        }

        return null;
    }

    /// <summary>Gives the log and the store's folder back.</summary>
    public void Dispose()
    {
        Wal.Dispose();
        Store.Dispose();
    }
}

/// <summary>
/// Opens a member's folders, or begins them. Anything that a crash can leave is continued; anything else is refused, with
/// nothing written.
/// </summary>
public static class MemberRecovery
{
    private static readonly Term BirthTerm = new(1);

    /// <summary>Opens or begins.</summary>
    /// <param name="files">The disk.</param>
    /// <param name="folders">Where; missing folders are made.</param>
    /// <param name="birth">Who the member is if it has no log yet.</param>
    /// <param name="options">How the log is written.</param>
    /// <param name="forceNewCluster">Whether a member with data becomes a cluster of its own: see <see cref="ForcedCluster"/>.</param>
    /// <exception cref="WalException">The log is damaged, or in use by another process, or the snapshot that it needs is missing.</exception>
    /// <exception cref="NotSupportedException">A new cluster is to be forced, and the member is in none.</exception>
    public static RecoveredMember Open(
        IFileSystem files, MemberFolders folders, MemberBirth birth, WalOptions options, bool forceNewCluster = false)
    {
        // It is only looked at, until the log shows whose folder this is and that nobody else is at work in it.
        StoreFolder store = StoreFolder.Open(files, folders.Store, syncs: options.SyncMode == SyncMode.Full);
        var snapshots = new SnapshotDirectory(files, folders.Snapshots);
        snapshots.Create();
        if (!WriteAheadLog.Exists(files, folders.Wal))
        {
            files.CreateDirectoryDurably(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(folders.Wal)) is { Length: > 0 } parent ? parent : ".");
            WriteAheadLog.Create(files, folders.Wal, new MemberMetadata(birth.Id, birth.ClusterId).Encode(), options).Dispose();
        }

        Snapshot? snapshot = NewestSnapshot(files, folders.Wal, snapshots);
        Snapshot? start = Newer(CheckpointOf(store), snapshot);
        WalOpenResult found = WriteAheadLog.OpenForAppend(files, folders.Wal, MarkOf(start), options);
        try
        {
            MemberMetadata owner = MemberMetadata.Decode(found.Metadata.Span);
            store.Begin(owner.ClusterId, owner.Member);
            snapshots.DeleteUnfinished(snapshot?.Index ?? default);
            if (start is not null)
            {
                // The checkpoint holds what the snapshot brought.
                snapshots.PurgeBefore(start == snapshot ? start.Index : start.Index.Next);
            }

            RecoveredMember member = Read(found, start, snapshots, store, birth);
            return forceNewCluster && !member.IsNew ? Force(member) : member;
        }
        catch
        {
            store.Dispose();
            found.Log.Dispose();
            throw;
        }
    }

    private static RecoveredMember Force(RecoveredMember member)
    {
        (RecoveredLog log, ForcedCluster what) = ForcedCluster.Rewrite(member.Wal, member.Id, member.Log);
        return member with { Log = log, Forced = what };
    }

    private static Snapshot? CheckpointOf(StoreFolder store) =>
        store.Mark is { } mark ? new Snapshot(mark.Index, mark.Term, StoredMembers.Configuration(store.Meta), default) : null;

    private static Snapshot? Newer(Snapshot? checkpoint, Snapshot? snapshot) =>
        checkpoint is null || snapshot?.Index > checkpoint.Index ? snapshot : checkpoint;

    /// <summary>
    /// The newest snapshot that the log has a record of and has committed. One that is on disk without a record was on its way
    /// when the member ended: the log goes on without it, and the leader sends it again.
    /// </summary>
    private static Snapshot? NewestSnapshot(IFileSystem files, string wal, SnapshotDirectory snapshots)
    {
        // Reading the whole log for its records is worth it only if there is something to find.
        if (!snapshots.HasAny())
        {
            return null;
        }

        HashSet<(LogIndex, Term)> recorded = [.. WriteAheadLog.ValidSnapshots(files, wal).Select(m => (m.Index, m.Term))];
        return snapshots.LoadNewest(s => recorded.Contains((s.Index, s.Term)));
    }

    private static WalSnapshotMark MarkOf(Snapshot? snapshot) => snapshot is null
        ? WalSnapshotMark.Beginning
        : new WalSnapshotMark(snapshot.Index, snapshot.Term, snapshot.Configuration);

    private static RecoveredMember Read(
        WalOpenResult found, Snapshot? snapshot, SnapshotDirectory snapshots, StoreFolder store, MemberBirth birth)
    {
        MemberMetadata metadata = MemberMetadata.Decode(found.Metadata.Span);
        // Without a hard state nothing was ever promised: entries that are there are the beginning of a first write that tore.
        bool isNew = found.HardState.IsEmpty && snapshot is null;
        HardState state = found.HardState;
        IReadOnlyList<Entry> entries = found.Entries;
        // A log that was begun for another cluster (its member was to join one) is not this one's beginning.
        if (isNew && birth.InitialMembers.Count > 0 && metadata == new MemberMetadata(birth.Id, birth.ClusterId))
        {
            entries = FirstEntries(birth.InitialMembers);
            state = new HardState(BirthTerm, MemberId.None, entries[^1].Index);
            found.Log.Append(state, [.. entries]);
            found.Log.Sync();
        }

        LogIndex applied = snapshot?.Index ?? default;
        var log = new RecoveredLog(state, snapshot, entries, applied, snapshot?.Configuration ?? ConfState.Empty);
        return new RecoveredMember(metadata.Member, metadata.ClusterId, found.Log, snapshots, store, log, isNew, found.Repair);
    }

    /// <summary>
    /// A new cluster's log begins with the addition of each of its members, the same on all of them, as if a leader of term 1 had
    /// proposed and committed them.
    /// </summary>
    private static Entry[] FirstEntries(IEnumerable<Member> members) =>
        [.. members.OrderBy(m => m.Id.Value).Select((member, i) =>
            new Entry(BirthTerm, new LogIndex((ulong)i + 1), EntryType.ConfChange, ConfChangeCommand.Add(member).Encode()))];
}
