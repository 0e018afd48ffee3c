using Etcd.Server.Apply.Alarms;
using Etcd.Server.Apply.Snapshots;
using Etcd.Server.Auth;
using Etcd.Server.Bolt;
using Etcd.Server.Io;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Apply;

/// <content>The state as a whole: etcd's database, in the bytes that etcd itself writes.</content>
public sealed partial class StateMachine : IStateSnapshots
{
    // Records of an installed state that no room here holds: what a later version adds.
    private BucketTable _kept = new();

    /// <inheritdoc/>
    public ConfState Configuration
    {
        get
        {
            IReadOnlyList<Member> members = _cluster.Current.Members;
            return new ConfState(
                [.. members.Where(m => !m.IsLearner).Select(m => m.Id)], [.. members.Where(m => m.IsLearner).Select(m => m.Id)]);
        }
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> MembershipData => MembershipStore.Encode(_cluster.Current);

    /// <inheritdoc/>
    ISnapshotContent IStateSnapshots.Export(LogIndex applied, Term term) => Export(applied, term);

    /// <summary>As <see cref="IStateSnapshots.Export"/>.</summary>
    /// <param name="applied">The index of the last applied entry.</param>
    /// <param name="term">That entry's term.</param>
    public StateExport Export(LogIndex applied, Term term)
    {
        HistoryPin history = _store.PinHistory();
        ClusterState.Snapshot cluster = _cluster.Current;
        LeaseRecord[] leases = [.. _leaseRoom.Records().OrderBy(l => (ulong)l.Id.Value)];
        BucketTable table = SmallBuckets(cluster, history.CompactRevision, history.FinishedCompactRevision, applied, term);
        IEnumerable<BoltBucket> buckets = table.ToBuckets()
            .Where(b => b.Name is not (StateBuckets.Key or StateBuckets.Lease))
            .Append(new BoltBucket(StateBuckets.Key, () => new HistoryCursor(history)))
            .Append(new BoltBucket(StateBuckets.Lease, () => new LeaseCursor(leases)));
        return new StateExport(buckets, EtcdVersion.StorageOf(cluster.Version), history) { Index = applied, Term = term };
    }

    /// <inheritdoc/>
    public void Install(Stream content, LogIndex index, Term term)
    {
        StoreImport store = _store.NewImport();
        StateImport import;
        try
        {
            import = StateImport.Read(content, store);
        }
        catch (InvalidDataException)
        {
            store.GiveUp();
            throw;
        }
        catch (FileSystemException e) when (e.Error == FileSystemError.NoSpace)
        {
            store.GiveUp();
            DiskFull();
            throw;
        }

        _last = new CheckpointMark(index, term);
        _checkpointed = default;
        _notBefore = default;
        Adopt(import);
    }

    /// <inheritdoc/>
    public void Load(StoreFolder folder)
    {
        StoreImport store = _store.LoadCheckpoint() ?? throw new InvalidOperationException("there is no checkpoint to be loaded");
        StateImport import = StateImport.Of(store, folder.Meta);
        _last = folder.Mark!.Value;
        _checkpointed = _last.Index;
        Adopt(import);
    }

    /// <inheritdoc/>
    public void LoadWithoutKeys(StoreFolder folder)
    {
        StateImport import = StateImport.Of(new StoreImport(), folder.Meta);
        _last = folder.Mark!.Value;
        _checkpointed = _last.Index;
        _leaseRoom.Restore(import.Leases, []);
        AdoptBesideStore(import);
        _store.Abandon();
    }

    private void Adopt(StateImport import)
    {
        // Nothing fails from here on. Leases before keys: whoever sees a key finds its lease.
        _leaseRoom.Restore(import.Leases, import.Store.LeasedKeys());
        AdoptBesideStore(import);
        _store.Replace(import.Store, import.FinishedCompact, import.ScheduledCompact);
        NeedsMaintenance = true;
        CompactionProgress.Advance(_store.FinishedCompactRevision);
        _quota.Measure();
    }

    private void AdoptBesideStore(StateImport import)
    {
        _cluster.Replace(import.Members, import.Removed, import.ClusterVersion, import.Downgrade);
        Alarms.Replace(import.Alarms);
        Auth.Replace(import.Auth.ToState());
        _kept = import.Kept;
    }

    private BucketTable SmallBuckets(
        ClusterState.Snapshot cluster, long compactRevision, long finishedCompactRevision, LogIndex applied, Term term)
    {
        var table = new BucketTable();
        foreach (string bucket in StateBuckets.All)
            table.Add(bucket);

        table.SetAll(_kept);
        table.Set(StateBuckets.Meta, StateBuckets.ConsistentIndex, StateBuckets.Number(applied.Value));
        table.Set(StateBuckets.Meta, StateBuckets.Term, StateBuckets.Number(term.Value));
        table.Set(StateBuckets.Meta, StateBuckets.ConfState, StateBuckets.ConfStateJson(Configuration, cluster.Version));
        if (compactRevision >= 0)
            table.Set(StateBuckets.Meta, StateBuckets.ScheduledCompact, StateBuckets.RevisionMark(compactRevision));

        if (finishedCompactRevision >= 0)
            table.Set(StateBuckets.Meta, StateBuckets.FinishedCompact, StateBuckets.RevisionMark(finishedCompactRevision));

        if (EtcdVersion.StorageOf(cluster.Version) is { } storageVersion)
            table.Set(StateBuckets.Meta, StateBuckets.StorageVersion, System.Text.Encoding.ASCII.GetBytes(storageVersion));

        if (cluster.Version is { } version)
            table.Set(StateBuckets.Cluster, StateBuckets.ClusterVersion, System.Text.Encoding.ASCII.GetBytes(version));

        if (cluster.Downgrade is { } downgrade)
            table.Set(StateBuckets.Cluster, StateBuckets.Downgrade, downgrade.ToJson());

        foreach (RaisedAlarm alarm in Alarms.Raised)
            table.Set(StateBuckets.Alarm, AlarmMessages.Encode(alarm), []);

        AuthRecords.Write(Auth.Current, table.Set);
        foreach (Member member in cluster.Members)
            table.Set(StateBuckets.Members, StateBuckets.MemberKey(member.Id), MemberJson.Encode(member));

        foreach (MemberId removed in cluster.Removed)
            table.Set(StateBuckets.MembersRemoved, StateBuckets.MemberKey(removed), "removed"u8.ToArray());

        return table;
    }
}
