using Etcd.Server.Apply;
using Etcd.Server.Io;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Snapshots;
using Etcd.Server.Wal;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Node;

/// <summary>What a member starts from: a birth, a log, a snapshot and a log, and what is not to be started from.</summary>
public sealed class MemberRecoveryTests
{
    private static readonly MemberFolders Folders = new("/data/member/wal", "/data/member/snap");
    private static readonly WalOptions Options = new() { SegmentBytes = 16 * 1024 };
    private static readonly ConfState Voters = new([new MemberId(1), new MemberId(2)], []);

    private readonly SimDisk _disk = new();

    [Fact]
    public void ANewClustersLogBeginsWithItsMembersAscending()
    {
        RecoveredMember found = Open(Birth(9, 30, 5, 9));
        Assert.True(found.IsNew);
        Assert.Equal((new MemberId(9), 77UL), (found.Id, found.ClusterId));
        Assert.Equal(new HardState(new Term(1), MemberId.None, new LogIndex(3)), found.Log.HardState);
        ConfChangeCommand[] changes = [.. found.Log.Entries.Select(e => ConfChangeCommand.Decode(e.Data.Span))];
        Assert.Equal([5UL, 9UL, 30UL], changes.Select(c => c.Id.Value));
        Assert.All(changes, c => Assert.Equal(ConfChangeKind.AddVoter, c.Kind));
        Assert.All(found.Log.Entries, e => Assert.Equal((new Term(1), EntryType.ConfChange), (e.Term, e.Type)));
        Assert.Equal([1UL, 2UL, 3UL], found.Log.Entries.Select(e => e.Index.Value));
        Assert.Empty(found.Log.Configuration.Voters);
        found.Dispose();

        RecoveredMember again = Open(Birth(1));
        Assert.False(again.IsNew);
        Assert.Equal((new MemberId(9), 77UL), (again.Id, again.ClusterId));
        Assert.Equal(found.Log.Entries.Select(e => e.Data.ToArray()), again.Log.Entries.Select(e => e.Data.ToArray()));
        again.Dispose();
    }

    [Fact]
    public void AMemberThatJoinsBeginsWithNothing()
    {
        RecoveredMember found = Open(Birth(4));
        Assert.True(found.IsNew);
        Assert.Equal(new MemberId(4), found.Id);
        Assert.Empty(found.Log.Entries);
        Assert.True(found.Log.HardState.IsEmpty);
        found.Dispose();
    }

    [Fact]
    public void ASnapshotCountsFromItsRecordInTheLogOn()
    {
        RecoveredMember found = Open(Birth(1, 1, 2));
        Receive(found.Snapshots, 10);
        found.Dispose();
        // Its files are there and the log does not know it: the log goes on alone, and the leader will send it again.
        found = Open(Birth(1));
        Assert.Null(found.Log.Snapshot);
        Assert.Equal(2, found.Log.Entries.Count);
        Receive(found.Snapshots, 10);
        Mark(found.Wal, 10);
        found.Dispose();
        // The log knows it, and not yet that it is committed.
        found = Open(Birth(1));
        Assert.Null(found.Log.Snapshot);
        Receive(found.Snapshots, 10);
        Mark(found.Wal, 10);
        found.Wal.Append(new HardState(new Term(2), MemberId.None, new LogIndex(10)), [Entry(2, 11), Entry(2, 12)]);
        found.Wal.Sync();
        found.Dispose();
        found = Open(Birth(1));
        Assert.Equal(new LogIndex(10), found.Log.Snapshot!.Index);
        Assert.Equal(new LogIndex(10), found.Log.Applied);
        Assert.Equal(Voters.Voters, found.Log.Configuration.Voters);
        Assert.Equal([11UL, 12UL], found.Log.Entries.Select(e => e.Index.Value));
        found.Dispose();
    }

    [Fact]
    public void ASnapshotThatTheLogNeedsAndThatIsGoneIsNotPassedOver()
    {
        RecoveredMember found = Open(Birth(1, 1, 2));
        Receive(found.Snapshots, 10);
        Mark(found.Wal, 10);
        found.Wal.Append(new HardState(new Term(2), MemberId.None, new LogIndex(10)), [Entry(2, 11)]);
        found.Wal.Sync();
        string database = found.Snapshots.DatabasePath(new LogIndex(10));
        found.Dispose();
        _disk.DeleteFile(database);
        Assert.Throws<WalException>(() => Open(Birth(1)));
    }

    [Theory]
    [InlineData(CrashKind.NothingUnsynced, 2)]
    [InlineData(CrashKind.EverythingUnsynced, 2)]
    [InlineData(CrashKind.Torn, 1)]
    [InlineData(CrashKind.Torn, 2)]
    [InlineData(CrashKind.Torn, 7)]
    public void ACrashDuringTheBirthIsBornAgain(CrashKind kind, int members)
    {
        MemberBirth birth = Birth(1, [.. Enumerable.Range(1, members).Select(static n => (ulong)n)]);
        bool isWhole = false;
        for (int operation = 1; !isWhole; operation++)
        {
            // What a torn write leaves is drawn, so each operation fails several times.
            for (int draw = 0; draw < 10; draw++)
            {
                var disk = new SimDisk(new SimDiskOptions { Seed = (operation * 10) + draw, CrashAtOperation = operation });
                try
                {
                    MemberRecovery.Open(disk, Folders, birth, Options).Dispose();
                    isWhole = true;
                    Assert.True(operation > 10);
                }
                catch (SimulatedCrashException)
                {
                }

                RecoveredMember after = MemberRecovery.Open(disk.Crash(kind), Folders, birth, Options);
                Assert.Equal(members, after.Log.Entries.Count);
                Assert.Equal(new HardState(new Term(1), MemberId.None, new LogIndex((ulong)members)), after.Log.HardState);
                after.Dispose();
            }
        }
    }

    [Fact]
    public void AForcedNewClusterKeepsWhatTheLogHoldsAndRemovesAllOthers()
    {
        RecoveredMember found = Open(Birth(2, 1, 2, 3));
        Entry learner = new(new Term(4), new LogIndex(4), EntryType.ConfChange, ConfChangeCommand.Add(NewMember(9, isLearner: true)).Encode());
        found.Wal.Append(new HardState(new Term(5), new MemberId(1), new LogIndex(5)), [learner, Entry(4, 5), Entry(5, 6), Entry(5, 7)]);
        found.Wal.Sync();
        found.Dispose();

        RecoveredMember forced = Open(Birth(2), forceNewCluster: true);
        Assert.Equal(2, forced.Forced!.Unconfirmed);
        Assert.Equal([1UL, 3UL, 9UL], forced.Forced.Removed.Select(m => m.Value));
        Assert.Equal(new HardState(new Term(5), new MemberId(1), new LogIndex(10)), forced.Log.HardState);
        Assert.Equal([1UL, 2, 3, 4, 5, 6, 7, 8, 9, 10], forced.Log.Entries.Select(e => e.Index.Value));
        ConfChangeCommand[] removals = [.. forced.Log.Entries.Skip(7).Select(e => ConfChangeCommand.Decode(e.Data.Span))];
        Assert.Equal([1UL, 3UL, 9UL], removals.Select(c => c.Id.Value));
        Assert.All(removals, c => Assert.Equal(ConfChangeKind.Remove, c.Kind));
        Assert.All(forced.Log.Entries.Skip(7), e => Assert.Equal(new Term(5), e.Term));
        forced.Dispose();

        // It is durable, and to force once more changes nothing.
        RecoveredMember again = Open(Birth(2));
        Assert.Null(again.Forced);
        Assert.Equal(forced.Log.HardState, again.Log.HardState);
        Assert.Equal(forced.Log.Entries.Select(e => e.Data.ToArray()), again.Log.Entries.Select(e => e.Data.ToArray()));
        again.Dispose();
        again = Open(Birth(2), forceNewCluster: true);
        Assert.Equal((0, 0), (again.Forced!.Unconfirmed, again.Forced.Removed.Count));
        Assert.Equal(10, again.Log.Entries.Count);
        again.Dispose();
    }

    [Fact]
    public void AForcedNewClusterCountsTheMembersOfTheSnapshot()
    {
        RecoveredMember found = Open(Birth(1, 1, 2));
        Receive(found.Snapshots, 10);
        Mark(found.Wal, 10);
        found.Wal.Append(new HardState(new Term(2), MemberId.None, new LogIndex(11)), [Entry(2, 11)]);
        found.Wal.Sync();
        found.Dispose();
        found = Open(Birth(1), forceNewCluster: true);
        Assert.Equal([2UL], found.Forced!.Removed.Select(m => m.Value));
        Assert.Equal([11UL, 12UL], found.Log.Entries.Select(e => e.Index.Value));
        found.Dispose();
    }

    [Fact]
    public void ALearnerThatIsForcedToBeAClusterVotesInIt()
    {
        RecoveredMember found = Open(Birth(9));
        Entry[] log =
        [
            new(new Term(1), new LogIndex(1), EntryType.ConfChange, ConfChangeCommand.Add(NewMember(1, isLearner: false)).Encode()),
            new(new Term(2), new LogIndex(2), EntryType.ConfChange, ConfChangeCommand.Add(NewMember(9, isLearner: true)).Encode()),
        ];
        found.Wal.Append(new HardState(new Term(2), MemberId.None, new LogIndex(2)), log);
        found.Wal.Sync();
        found.Dispose();
        found = Open(Birth(9), forceNewCluster: true);
        ConfChangeCommand[] changes = [.. found.Log.Entries.Skip(2).Select(e => ConfChangeCommand.Decode(e.Data.Span))];
        Assert.Equal([(ConfChangeKind.AddVoter, 9UL, true), (ConfChangeKind.Remove, 1UL, false)], changes.Select(c => (c.Kind, c.Id.Value, c.IsPromotion)));
        found.Dispose();
    }

    [Fact]
    public void AnOwnRemovalThatWasNotAgreedOnIsNone()
    {
        RecoveredMember found = Open(Birth(2, 1, 2));
        Entry removal = new(new Term(1), new LogIndex(4), EntryType.ConfChange, ConfChangeCommand.Remove(new MemberId(2)).Encode());
        found.Wal.Append(new HardState(new Term(1), MemberId.None, new LogIndex(2)), [Entry(1, 3), removal, Entry(1, 5)]);
        found.Wal.Sync();
        found.Dispose();
        found = Open(Birth(2), forceNewCluster: true);
        Assert.Equal([1UL, 2, 3, 4], found.Log.Entries.Select(e => e.Index.Value));
        Assert.Equal((ConfChangeKind.Remove, new MemberId(1)), Change(found.Log.Entries[3]));
        found.Dispose();

        static (ConfChangeKind, MemberId) Change(Entry entry)
        {
            ConfChangeCommand change = ConfChangeCommand.Decode(entry.Data.Span);
            return (change.Kind, change.Id);
        }
    }

    [Fact]
    public void AMemberThatWasRemovedIsNoNewCluster()
    {
        RecoveredMember found = Open(Birth(2, 1, 2));
        Entry removal = new(new Term(1), new LogIndex(3), EntryType.ConfChange, ConfChangeCommand.Remove(new MemberId(2)).Encode());
        found.Wal.Append(new HardState(new Term(1), MemberId.None, new LogIndex(3)), [removal]);
        found.Wal.Sync();
        found.Dispose();
        Assert.Contains("was removed", Assert.Throws<NotSupportedException>(() => Open(Birth(2), forceNewCluster: true)).Message, StringComparison.Ordinal);
        // The log was not touched, and is not held either.
        found = Open(Birth(2));
        Assert.Equal(3, found.Log.Entries.Count);
        found.Dispose();
    }

    private static Member NewMember(ulong id, bool isLearner) => new(new MemberId(id), [$"http://m{id}:2380"], isLearner, "", []);

    private static MemberBirth Birth(ulong id, params ulong[] members) => new(
        new MemberId(id), 77, [.. members.Select(m => new Member(new MemberId(m), [$"http://m{m}:2380"], IsLearner: false, "", []))]);

    private static Entry Entry(ulong term, ulong index) => new(new Term(term), new LogIndex(index), EntryType.Normal, new byte[] { 1 });

    private static void Mark(WriteAheadLog wal, ulong index) =>
        wal.SaveSnapshotMarker(new WalSnapshotMark(new LogIndex(index), new Term(2), Voters));

    private void Receive(SnapshotDirectory snapshots, ulong index)
    {
        string path = Folders.Snapshots + "/received.tmp";
        using (IDataFile file = _disk.Open(path, FileOpenMode.CreateOrTruncate))
        {
            file.WriteAt([1], 0);
            file.FullSync();
        }

        snapshots.AdoptDatabase(path, new LogIndex(index));
        snapshots.Save(new Snapshot(new LogIndex(index), new Term(2), Voters, default));
    }

    private RecoveredMember Open(MemberBirth birth, bool forceNewCluster = false) =>
        MemberRecovery.Open(_disk, Folders, birth, Options, forceNewCluster);
}
