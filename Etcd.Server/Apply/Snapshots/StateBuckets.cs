using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Etcd.Server.Auth;
using Etcd.Server.Primitives;

namespace Etcd.Server.Apply.Snapshots;

/// <summary>The buckets of etcd's database, the keys in them, and the spelling of their values (docs/bolt-format.md).</summary>
internal static class StateBuckets
{
    public const string Key = "key";
    public const string Meta = "meta";
    public const string Lease = "lease";
    public const string Alarm = "alarm";
    public const string Auth = AuthRecords.AuthBucket;
    public const string AuthUsers = AuthRecords.UsersBucket;
    public const string AuthRoles = AuthRecords.RolesBucket;
    public const string Members = "members";
    public const string MembersRemoved = "members_removed";
    public const string Cluster = "cluster";

    public const string ConsistentIndex = "consistent_index";
    public const string Term = "term";
    public const string ConfState = "confState";
    public const string ScheduledCompact = "scheduledCompactRev";
    public const string FinishedCompact = "finishedCompactRev";
    public const string StorageVersion = "storageVersion";
    public const string ClusterVersion = "clusterVersion";
    public const string Downgrade = "downgrade";

    /// <summary>A revision as a key: 8 bytes, '_', 8 bytes, and 't' for a tombstone.</summary>
    public const int RevisionBytes = 17;

    private static readonly Version FirstWithoutAutoLeave = new(3, 7);

    /// <summary>The buckets that are there even if nothing is in them: etcd expects to find each.</summary>
    public static IReadOnlyList<string> All { get; } =
        [Alarm, Auth, AuthRoles, AuthUsers, Cluster, Key, Lease, Members, MembersRemoved, Meta];

    /// <summary>The keys of the meta bucket that follow from the rest of the state.</summary>
    public static IReadOnlyList<string> MetaKeys { get; } =
        [ConsistentIndex, Term, ConfState, ScheduledCompact, FinishedCompact, StorageVersion];

    /// <summary>Writes a revision as a key.</summary>
    /// <returns>How many bytes it takes.</returns>
    public static int WriteRevision(Span<byte> to, Revision revision, bool isTombstone)
    {
        BinaryPrimitives.WriteInt64BigEndian(to, revision.Main);
        to[8] = (byte)'_';
        BinaryPrimitives.WriteInt64BigEndian(to[9..], revision.Sub);
        if (!isTombstone)
            return RevisionBytes;

        to[RevisionBytes] = (byte)'t';
        return RevisionBytes + 1;
    }

    /// <summary>Reads a revision that is a key, or the value of a compaction mark.</summary>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static Revision ReadRevision(ReadOnlySpan<byte> from, out bool isTombstone)
    {
        isTombstone = from.Length == RevisionBytes + 1 && from[RevisionBytes] == 't';
        if (from.Length < RevisionBytes || from[8] != '_' || (from.Length > RevisionBytes && !isTombstone))
            throw new InvalidDataException($"{Convert.ToHexString(from)} is not a revision");

        return new Revision(BinaryPrimitives.ReadInt64BigEndian(from), BinaryPrimitives.ReadInt64BigEndian(from[9..]));
    }

    /// <summary>A compaction mark.</summary>
    public static byte[] RevisionMark(long main)
    {
        var mark = new byte[RevisionBytes];
        WriteRevision(mark, new Revision(main, 0), isTombstone: false);
        return mark;
    }

    /// <summary>A number of 8 bytes, big-endian.</summary>
    public static byte[] Number(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>The key of a member: its id as etcd spells it, without leading zeros.</summary>
    public static byte[] MemberKey(MemberId id) => Encoding.ASCII.GetBytes(MemberText(id));

    /// <summary>A member's id as etcd spells it.</summary>
    public static string MemberText(MemberId id) => id.Value.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>The members as etcd's JSON of raftpb.ConfState, which said more before 3.7.</summary>
    public static byte[] ConfStateJson(Raft.ConfState members, string? clusterVersion)
    {
        var json = new StringBuilder("{");
        AppendList(json, "voters", members.Voters);
        AppendList(json, "learners", members.Learners);
        if (Version.TryParse(clusterVersion, out Version? version) && version < FirstWithoutAutoLeave)
            json.Append(json.Length > 1 ? "," : "").Append("\"auto_leave\":false");

        return Encoding.ASCII.GetBytes(json.Append('}').ToString());
    }

    private static void AppendList(StringBuilder json, string name, IReadOnlyList<MemberId> ids)
    {
        if (ids.Count == 0)
            return;

        json.Append(json.Length > 1 ? "," : "").Append('"').Append(name).Append("\":[");
        json.AppendJoin(',', ids.Select(id => id.Value.ToString(CultureInfo.InvariantCulture)));
        json.Append(']');
    }
}
