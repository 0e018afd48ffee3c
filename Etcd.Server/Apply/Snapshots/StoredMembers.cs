using Etcd.Server.Membership;
using Etcd.Server.Raft;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Apply.Snapshots;

/// <summary>The members as a checkpoint of the store knows them, before anything of it is loaded.</summary>
internal static class StoredMembers
{
    /// <summary>Who votes and who learns.</summary>
    /// <param name="meta">The checkpoint's state beside the keys.</param>
    /// <exception cref="InvalidDataException">A member's record is damaged.</exception>
    public static ConfState Configuration(IEnumerable<MetaRecord> meta)
    {
        Member[] members = [.. meta.Where(r => r.Bucket == StateBuckets.Members).Select(Decode).OrderBy(m => m.Id.Value)];
        return new ConfState([.. members.Where(m => !m.IsLearner).Select(m => m.Id)], [.. members.Where(m => m.IsLearner).Select(m => m.Id)]);
    }

    private static Member Decode(MetaRecord record)
    {
        try
        {
            return MemberJson.Decode(record.Value);
        }
        catch (System.Text.Json.JsonException e)
        {
            throw new InvalidDataException($"the record of member {System.Text.Encoding.Latin1.GetString(record.Key)}: {e.Message}", e);
        }
    }
}
