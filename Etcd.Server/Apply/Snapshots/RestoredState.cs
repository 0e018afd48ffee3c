using Etcd.Server.Bolt;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Apply.Snapshots;

/// <summary>
/// A snapshot's state as the beginning of another cluster, as etcdutl makes it: its members take the place of the old ones, it stands where
/// the new log begins, and its revision may be raised with everything before it marked as compacted. All else is as it was.
/// </summary>
internal static class RestoredState
{
    /// <summary>The buckets of the new state; they read the snapshot while they are written.</summary>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="members">The members of the new cluster.</param>
    /// <param name="position">Where the new state stands.</param>
    /// <param name="bump">How much the revision is raised; zero for not at all.</param>
    /// <exception cref="InvalidDataException">The snapshot is damaged, or not etcd's.</exception>
    public static IEnumerable<BoltBucket> Buckets(BoltReader snapshot, IEnumerable<Member> members, Snapshot position, long bump)
    {
        if (!snapshot.Buckets.Contains(StateBuckets.Key) || !snapshot.Buckets.Contains(StateBuckets.Meta))
            throw new InvalidDataException("the database has no buckets \"key\" and \"meta\": it is not etcd's");

        BucketTable table = Changed(snapshot, members, position);
        long? bumped = null;
        if (bump != 0)
        {
            bumped = Raised(LastRevision(snapshot), bump);
            table.Set(StateBuckets.Meta, StateBuckets.ScheduledCompact, StateBuckets.RevisionMark(bumped.Value));
        }

        IEnumerable<BoltBucket> unchanged = snapshot.Buckets
            .Where(name => name != StateBuckets.Key && !table.Names.Contains(name))
            .Select(name => new BoltBucket(name, () => snapshot.Open(name)!));
        return table.ToBuckets()
            .Concat(unchanged)
            .Append(new BoltBucket(StateBuckets.Key, () => new KeyCursor(snapshot.Open(StateBuckets.Key)!, bumped)));
    }

    private static BucketTable Changed(BoltReader snapshot, IEnumerable<Member> members, Snapshot position)
    {
        var table = new BucketTable();
        foreach (string bucket in StateBuckets.All.Where(b => !snapshot.Buckets.Contains(b)))
            table.Add(bucket);

        table.Add(StateBuckets.Members);
        table.Add(StateBuckets.MembersRemoved);
        BoltCursor meta = snapshot.Open(StateBuckets.Meta)!;
        while (meta.MoveNext())
            table.Set(StateBuckets.Meta, meta.Key.ToArray(), meta.Value.ToArray());

        table.Set(StateBuckets.Meta, StateBuckets.ConsistentIndex, StateBuckets.Number(position.Index.Value));
        table.Set(StateBuckets.Meta, StateBuckets.Term, StateBuckets.Number(position.Term.Value));
        table.Set(StateBuckets.Meta, StateBuckets.ConfState, StateBuckets.ConfStateJson(position.Configuration, null));
        foreach (Member member in members)
            table.Set(StateBuckets.Members, StateBuckets.MemberKey(member.Id), MemberJson.Encode(member));

        return table;
    }

    private static long LastRevision(BoltReader snapshot)
    {
        var last = default(Revision);
        BoltCursor keys = snapshot.Open(StateBuckets.Key)!;
        while (keys.MoveNext())
            last = StateBuckets.ReadRevision(keys.Key, out _);

        return last.Main;
    }

    private static long Raised(long revision, long bump) =>
        bump > 0 && bump < long.MaxValue - revision
            ? revision + bump
            : throw new InvalidDataException($"the revision {revision} cannot be raised by {(ulong)bump}");

    /// <summary>The key bucket, and behind it the mark of a raised revision: a record without a key.</summary>
    private sealed class KeyCursor(BoltCursor keys, long? bumped) : BoltCursor
    {
        private readonly byte[]? _mark = bumped is { } revision ? StateBuckets.RevisionMark(revision) : null;
        private State _state;

        private enum State
        {
            Keys,
            Mark,
            End,
        }

        public override ReadOnlySpan<byte> Key => _state == State.Keys ? keys.Key : _mark;

        public override ReadOnlySpan<byte> Value => _state == State.Keys ? keys.Value : default;

        public override bool MoveNext()
        {
            if (_state == State.Keys)
            {
                if (keys.MoveNext())
                {
                    _ = StateBuckets.ReadRevision(keys.Key, out _);
                    return true;
                }

                _state = _mark is null ? State.End : State.Mark;
                return _mark is not null;
            }

            _state = State.End;
            return false;
        }
    }
}
