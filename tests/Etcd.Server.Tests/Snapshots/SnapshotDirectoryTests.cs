using Etcd.Protocol.Snappb;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Snapshots;
using Etcd.TestKit.Disk;
using WireSnapshot = Etcd.Protocol.Raftpb.Snapshot;

namespace Etcd.Server.Tests.Snapshots;

/// <summary>The snapshot folder: etcd's names and bytes, broken files, and a disk that fails at any operation.</summary>
public sealed class SnapshotDirectoryTests
{
    private const string Folder = "/member/snap";

    private static readonly ConfState Configuration = new([new MemberId(1), new MemberId(2)], [new MemberId(3)]);

    [Fact]
    public void FilesHaveEtcdsNamesAndContent()
    {
        var disk = new SimDisk();
        SnapshotDirectory directory = New(disk);
        Receive(disk, directory, At(0x1234, 7));
        Assert.Equal(["0000000000000007-0000000000001234.snap", "0000000000001234.snap.db"], disk.List(Folder));
        snapshot file = snapshot.Parser.ParseFrom(disk.ReadAll(Folder + "/0000000000000007-0000000000001234.snap"));
        Assert.Equal(Crc32C.Append(0, file.Data.Span), file.Crc);
        WireSnapshot content = WireSnapshot.Parser.ParseFrom(file.Data);
        Assert.Equal("data", content.Data.ToStringUtf8());
        Assert.Equal(0x1234UL, content.Metadata.Index);
        Assert.Equal(7UL, content.Metadata.Term);
        Assert.Equal([1UL, 2UL], content.Metadata.ConfState.Voters);
        Assert.Equal([3UL], content.Metadata.ConfState.Learners);
    }

    [Fact]
    public void TheNewestThatIsAcceptedIsLoaded()
    {
        var disk = new SimDisk();
        SnapshotDirectory directory = New(disk);
        Assert.False(directory.HasAny());
        Assert.Null(directory.LoadNewest(static _ => true));
        Receive(disk, directory, At(100, 9));
        Receive(disk, directory, At(300, 10));
        Receive(disk, directory, At(200, 10));
        Assert.True(directory.HasAny());
        Same(At(300, 10), directory.LoadNewest(static _ => true));
        Same(At(200, 10), directory.LoadNewest(static s => s.Index.Value != 300));
        Assert.Null(directory.LoadNewest(static _ => false));
        using Stream content = directory.OpenDatabase(new LogIndex(200));
        Assert.Equal(3, content.Length);
        disk.DeleteFile(directory.DatabasePath(new LogIndex(300)));
        Same(At(200, 10), directory.LoadNewest(static _ => true));
    }

    [Fact]
    public void AFileThatCannotBeReadIsPutAside()
    {
        for (int kind = 0; kind < 3; kind++)
        {
            var disk = new SimDisk();
            SnapshotDirectory directory = New(disk);
            Receive(disk, directory, At(1, 1));
            Receive(disk, directory, At(2, 1));
            const string name = "0000000000000001-0000000000000002.snap";
            byte[] content = disk.ReadAll($"{Folder}/{name}");
            content[^1] ^= 0x10;
            disk.Place($"{Folder}/{name}", kind switch { 0 => content, 1 => [], _ => [1, 2, 3] });
            Same(At(1, 1), directory.LoadNewest(static _ => true));
            Assert.Contains(name + ".broken", disk.List(Folder));
            Assert.DoesNotContain(name, disk.List(Folder));
        }
    }

    [Fact]
    public void WhatIsOldOrUnfinishedGoes()
    {
        var disk = new SimDisk();
        SnapshotDirectory directory = New(disk);
        Receive(disk, directory, At(1, 1));
        Receive(disk, directory, At(2, 1));
        Receive(disk, directory, At(3, 2));
        disk.Place(Folder + "/received.tmp", [1]);
        disk.Place(Folder + "/db", [1]);
        directory.DeleteUnfinished(new LogIndex(2));
        directory.PurgeBefore(new LogIndex(2));
        Assert.Equal(
            ["0000000000000001-0000000000000002.snap", "0000000000000002-0000000000000003.snap", "0000000000000002.snap.db", "db"],
            disk.List(Folder));
        directory.Discard(Folder + "/received.tmp");
        directory.Discard(directory.DatabasePath(new LogIndex(2)));
        Assert.Contains("0000000000000002.snap.db", disk.List(Folder));
    }

    [Theory]
    [InlineData(CrashKind.NothingUnsynced)]
    [InlineData(CrashKind.EverythingUnsynced)]
    [InlineData(CrashKind.Torn)]
    public void ACrashLeavesASnapshotWholeOrNotAtAll(CrashKind kind)
    {
        for (int operation = 1; ; operation++)
        {
            var disk = new SimDisk(new SimDiskOptions { Seed = operation });
            Receive(disk, New(disk), At(1, 1));
            disk = disk.Crash(kind, new SimDiskOptions { Seed = operation, CrashAtOperation = operation });
            bool whole = false;
            try
            {
                Receive(disk, New(disk), At(2, 1));
                whole = true;
            }
            catch (SimulatedCrashException)
            {
            }

            disk = disk.Crash(kind);
            SnapshotDirectory after = New(disk);
            Snapshot? newest = after.LoadNewest(static _ => true);
            Assert.NotNull(newest);
            Assert.True(!whole || newest.Index.Value == 2, "what was promised is there");
            Assert.DoesNotContain(disk.List(Folder), f => f.EndsWith(".broken", StringComparison.Ordinal));
            using Stream content = after.OpenDatabase(newest.Index);
            Assert.Equal(3, content.Length);
            after.DeleteUnfinished(newest.Index);
            Receive(disk, after, At(2, 1));
            Same(At(2, 1), after.LoadNewest(static _ => true));
            if (whole)
            {
                Assert.True(operation > 5);
                return;
            }
        }
    }

    private static SnapshotDirectory New(SimDisk disk)
    {
        var directory = new SnapshotDirectory(disk, Folder);
        directory.Create();
        return directory;
    }

    private static Snapshot At(ulong index, ulong term) => new(new LogIndex(index), new Term(term), Configuration, "data"u8.ToArray());

    private static void Receive(SimDisk disk, SnapshotDirectory directory, Snapshot snapshot)
    {
        const string path = Folder + "/received.tmp";
        using (IDataFile file = disk.Open(path, FileOpenMode.CreateOrTruncate))
        {
            file.WriteAt([1, 2, 3], 0);
            file.FullSync();
        }

        directory.AdoptDatabase(path, snapshot.Index);
        directory.Save(snapshot);
    }

    private static void Same(Snapshot expected, Snapshot? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal((expected.Index, expected.Term), (actual.Index, actual.Term));
        Assert.Equal(expected.Configuration.Voters, actual.Configuration.Voters);
        Assert.Equal(expected.Configuration.Learners, actual.Configuration.Learners);
        Assert.Equal(expected.Data.ToArray(), actual.Data.ToArray());
    }
}
