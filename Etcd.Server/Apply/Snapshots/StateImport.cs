using System.Globalization;
using System.Text;
using System.Text.Json;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Auth;
using Etcd.Server.Bolt;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Google.Protobuf;

namespace Etcd.Server.Apply.Snapshots;

/// <summary>A database of etcd's as the parts of a state; read whole before anything of it is used.</summary>
internal sealed class StateImport
{
    private StateImport(StoreImport store) => Store = store;

    /// <summary>The keys.</summary>
    public StoreImport Store { get; }

    /// <summary>The leases.</summary>
    public List<LeaseRecord> Leases { get; } = [];

    /// <summary>The members.</summary>
    public List<Member> Members { get; } = [];

    /// <summary>The alarms.</summary>
    public List<RaisedAlarm> Alarms { get; } = [];

    /// <summary>Users and roles.</summary>
    public AuthRecords.Reader Auth { get; } = new();

    /// <summary>Those that were members once.</summary>
    public List<MemberId> Removed { get; } = [];

    /// <summary>The version that the members agreed on; null if there is none.</summary>
    public string? ClusterVersion { get; private set; }

    /// <summary>The downgrade; null if there never was one.</summary>
    public Downgrade? Downgrade { get; private set; }

    /// <summary>The last compaction that was asked for; -1 if there is none.</summary>
    public long ScheduledCompact { get; private set; } = -1;

    /// <summary>The last compaction that was done; -1 if there is none.</summary>
    public long FinishedCompact { get; private set; } = -1;

    /// <summary>What no room here holds yet; it goes into the next export as it came.</summary>
    public BucketTable Kept { get; } = new();

    /// <summary>Reads a database.</summary>
    /// <param name="content">The file.</param>
    /// <param name="store">Receives the keys.</param>
    /// <exception cref="InvalidDataException">It is damaged, or not etcd's.</exception>
    public static StateImport Read(Stream content, StoreImport store)
    {
        var reader = new BoltReader(content);
        if (!reader.Buckets.Contains(StateBuckets.Key) || !reader.Buckets.Contains(StateBuckets.Meta))
            throw new InvalidDataException("the database has no buckets \"key\" and \"meta\": it is not etcd's");

        var import = new StateImport(store);
        foreach (string bucket in reader.Buckets)
        {
            BoltCursor cursor = reader.Open(bucket)!;
            while (cursor.MoveNext())
                import.Take(bucket, cursor);
        }

        return import;
    }

    /// <summary>Puts a checkpoint together.</summary>
    /// <param name="store">The keys.</param>
    /// <param name="meta">Everything else.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static StateImport Of(StoreImport store, IEnumerable<MetaRecord> meta)
    {
        var import = new StateImport(store);
        foreach (MetaRecord record in meta)
        {
            BoltCursor entry = BoltBucket.Of(record.Bucket, [new(record.Key, record.Value)]).Open();
            entry.MoveNext();
            import.Take(record.Bucket, entry);
        }

        return import;
    }

    private void Take(string bucket, BoltCursor entry)
    {
        try
        {
            switch (bucket)
            {
                case StateBuckets.Key:
                    Revision revision = StateBuckets.ReadRevision(entry.Key, out bool isTombstone);
                    Store.Add(revision, isTombstone, entry.Value);
                    break;
                case StateBuckets.Lease:
                    TakeLease(entry.Value);
                    break;
                case StateBuckets.Alarm:
                    Alarms.Add(AlarmMessages.Read(entry.Key));
                    break;
                case StateBuckets.Members:
                    TakeMember(entry);
                    break;
                case StateBuckets.MembersRemoved:
                    Removed.Add(ReadId(entry.Key));
                    break;
                case StateBuckets.Meta:
                    TakeMeta(entry);
                    break;
                case StateBuckets.Cluster when entry.Key.SequenceEqual("clusterVersion"u8):
                    ClusterVersion = Encoding.UTF8.GetString(entry.Value);
                    break;
                case StateBuckets.Cluster when entry.Key.SequenceEqual("downgrade"u8):
                    Downgrade = Downgrade.FromJson(entry.Value.ToArray());
                    break;
                default:
                    if (!Auth.Take(bucket, entry.Key, entry.Value))
                        Keep(bucket, entry);

                    break;
            }
        }
        catch (Exception e) when (e is InvalidDataException or JsonException or InvalidProtocolBufferException)
        {
            throw new InvalidDataException($"bucket \"{bucket}\", key {Convert.ToHexString(entry.Key)}: {e.Message}", e);
        }
    }

    private void TakeLease(ReadOnlySpan<byte> value)
    {
        Protocol.Leasepb.Lease lease = Protocol.Leasepb.Lease.Parser.ParseFrom(value);
        if (lease.ID == 0)
            throw new InvalidDataException("a lease has no id");

        Leases.Add(new LeaseRecord(new LeaseId(lease.ID), lease.TTL, lease.RemainingTTL));
    }

    private void TakeMember(BoltCursor entry)
    {
        Member member = MemberJson.Decode(entry.Value.ToArray());
        if (member.Id != ReadId(entry.Key))
            throw new InvalidDataException($"the member says that it is {StateBuckets.MemberText(member.Id)}");

        Members.Add(member);
    }

    private void TakeMeta(BoltCursor entry)
    {
        if (entry.Key.SequenceEqual("scheduledCompactRev"u8))
            ScheduledCompact = ReadMark(entry.Value);
        else if (entry.Key.SequenceEqual("finishedCompactRev"u8))
            FinishedCompact = ReadMark(entry.Value);
        else if (!StateBuckets.MetaKeys.Contains(Encoding.Latin1.GetString(entry.Key)))
            Keep(StateBuckets.Meta, entry);
    }

    private void Keep(string bucket, BoltCursor entry) => Kept.Set(bucket, entry.Key.ToArray(), entry.Value.ToArray());

    private static long ReadMark(ReadOnlySpan<byte> value)
    {
        long main = StateBuckets.ReadRevision(value, out _).Main;
        return main >= 0 ? main : throw new InvalidDataException($"a compaction to the revision {main}");
    }

    private static MemberId ReadId(ReadOnlySpan<byte> key) =>
        ulong.TryParse(Encoding.Latin1.GetString(key), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong id)
            ? new MemberId(id)
            : throw new InvalidDataException("this is not a member's id");
}
