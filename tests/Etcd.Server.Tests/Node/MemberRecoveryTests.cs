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
    [InlineData(CrashKind.NothingUnsynced)]
    [InlineData(CrashKind.EverythingUnsynced)]
    [InlineData(CrashKind.Torn)]
    public void ACrashDuringTheBirthIsBornAgain(CrashKind kind)
    {
        for (int operation = 1; ; operation++)
        {
            var disk = new SimDisk(new SimDiskOptions { Seed = operation, CrashAtOperation = operation });
            bool whole = false;
            try
            {
                MemberRecovery.Open(disk, Folders, Birth(1, 1, 2), Options).Dispose();
                whole = true;
            }
            catch (SimulatedCrashException)
            {
            }

            RecoveredMember after = MemberRecovery.Open(disk.Crash(kind), Folders, Birth(1, 1, 2), Options);
            Assert.Equal(2, after.Log.Entries.Count);
            Assert.Equal(new LogIndex(2), after.Log.HardState.Commit);
            if (whole)
            {
                Assert.True(operation > 10);
                return;
            }
        }
    }

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

    private RecoveredMember Open(MemberBirth birth) => MemberRecovery.Open(_disk, Folders, birth, Options);
}
