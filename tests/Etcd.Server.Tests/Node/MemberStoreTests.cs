using Etcd.Server.Io;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Storage.Disk;
using Etcd.Server.Wal;

namespace Etcd.Server.Tests.Node;

/// <summary>A member and its store's folder: what a restart reads, what a checkpoint lets go of, and folders that it does not start on.</summary>
public sealed class MemberStoreTests
{
    private readonly TestCluster _cluster = new(1);
    private readonly TestMember _member;

    public MemberStoreTests()
    {
        _member = _cluster.Elect();
        _member.Grant(7, ttl: 100);
        for (int i = 0; i < 300; i++)
        {
            _member.Put($"k{i % 40}", new string('v', 900), lease: i % 40 == 5 ? 7 : 0);
            _cluster.Run();
        }
    }

    [Fact]
    public void ARestartAppliesTheLogBehindTheCheckpointOnly()
    {
        LogIndex applied = _member.Node.Applied;
        Restart();
        Assert.True(_member.Recovered.Log.Applied.Value + (2 * TestCluster.CheckpointEntries) > applied.Value, $"began at {_member.Recovered.Log.Applied}");
        Assert.True(_member.Recovered.Log.Entries.Count < 2 * TestCluster.CheckpointEntries);
        Assert.Equal(301, _member.Store.CurrentRevision);
        Assert.Equal(900, _member.Get("k39")!.Length);
        Assert.Equal([7L], _member.Leases.List().Select(l => l.Value));
        Assert.Equal(["k5"], _member.Leases.TimeToLive(new LeaseId(7), withKeys: true).Keys.Select(k => System.Text.Encoding.ASCII.GetString(k.Span)));
        Assert.Equal(_member.Id, Assert.Single(_member.State.Current.Members).Id);
        Assert.Equal([_member.Id], _member.Recovered.Log.Configuration.Voters);
    }

    [Fact]
    public void TheLogBeforeACheckpointGoes()
    {
        string[] segments = [.. _member.Disk.List(TestMember.Folders.Wal).Where(n => n.EndsWith(".wal", StringComparison.Ordinal))];
        Assert.InRange(segments.Length, 1, 2);
        Assert.DoesNotContain("0000000000000000-0000000000000000.wal", segments);
    }

    [Fact]
    public void WithoutItsStoreAMemberWhoseLogWasLetGoIsRefused()
    {
        _member.Crash();
        _member.Disk.DeleteTree(TestMember.Folders.Store);
        Assert.Equal(WalError.FileNotFound, Assert.Throws<WalException>(_member.Boot).Error);
    }

    [Fact]
    public void AStoreOfAnotherMemberIsRefusedAndStaysAsItIs()
    {
        TestMember other = _cluster.Join(TestCluster.NewMember(2));
        other.Disk.KillProcess();
        foreach (string name in _member.Disk.List(TestMember.Folders.Store))
            other.Disk.Place(TestMember.Folders.Store + "/" + name, _member.Disk.ReadAll(TestMember.Folders.Store + "/" + name));

        // Its log does not reach so far, which is noticed first; a log that does would not help.
        Assert.ThrowsAny<IOException>(other.Boot);
        StoreFolder folder = StoreFolder.Open(other.Disk, TestMember.Folders.Store);
        Assert.Equal(StoreError.Foreign, Assert.Throws<StoreException>(() => folder.Begin(77, other.Id)).Error);
        Assert.Equal(_member.Disk.List(TestMember.Folders.Store), other.Disk.List(TestMember.Folders.Store));
    }

    [Fact]
    public void ASecondMemberOnTheSameStoreWithAnotherLogIsRefused()
    {
        var folders = new MemberFolders("/elsewhere/wal", TestMember.Folders.Snapshots);
        var birth = new MemberBirth(_member.Id, 77, [TestCluster.NewMember(1)]);
        Assert.ThrowsAny<IOException>(() => MemberRecovery.Open(_member.Disk, folders, birth, TestMember.Wal));
        Assert.Equal(900, _member.Get("k1")!.Length);
    }

    [Fact]
    public void AReadOnlyDiskIsRefused()
    {
        _member.Crash();
        var files = new ReadOnlyFiles(_member.Disk);
        var birth = new MemberBirth(_member.Id, 77, [TestCluster.NewMember(1)]);
        FileSystemException refused = Assert.Throws<FileSystemException>(
            () => MemberRecovery.Open(files, TestMember.Folders, birth, TestMember.Wal));
        Assert.Equal(FileSystemError.AccessDenied, refused.Error);
        _member.Boot();
        Assert.Equal(900, _member.Get("k1")!.Length);
    }

    [Fact]
    public void AFullDiskUnderACheckpointCostsTheCheckpointAndNothingElse()
    {
        // Room for the log's segment, which is set aside already, and no more.
        _member.Disk.CapacityBytes = _member.Disk.UsedBytes + 10;
        ulong before = _member.Store.CurrentRevision is var revision ? (ulong)revision : 0;
        for (int i = 0; i < TestCluster.CheckpointEntries + 1; i++)
        {
            _member.Put("full", $"{i}");
            _cluster.Run();
        }

        Assert.True(_member.IsUp);
        Assert.Equal(before + TestCluster.CheckpointEntries + 1, (ulong)_member.Store.CurrentRevision);
        _member.Disk.CapacityBytes = long.MaxValue;
        for (int i = 0; i < TestCluster.CheckpointEntries; i++)
        {
            _member.Put("full", $"again {i}");
            _cluster.Run();
        }

        LogIndex applied = _member.Node.Applied;
        Restart();
        Assert.True(_member.Recovered.Log.Applied.Value + (2 * TestCluster.CheckpointEntries) > applied.Value);
        Assert.Equal($"again {TestCluster.CheckpointEntries - 1}", _member.Get("full"));
    }

    [Fact]
    public async Task DefragmentGivesSpaceBackAndReturns()
    {
        _member.Store.Compact(_member.Store.CurrentRevision);
        Task done = _member.Machine.DefragmentAsync();
        _member.Node.ExpectMaintenance();
        for (int i = 0; i < 10_000 && !done.IsCompleted; i++)
            _cluster.Run();

        Assert.True(done.IsCompletedSuccessfully);
        await done;
        long bytes = _member.Disk.List(TestMember.Folders.Store).Sum(n => (long)_member.Disk.ReadAll(TestMember.Folders.Store + "/" + n).Length);
        Assert.InRange(bytes, 40 * 900, 60 * 900);
        Restart();
        Assert.Equal(900, _member.Get("k17")!.Length);
    }

    [Fact]
    public async Task DefragmentIsDoneWithoutAnotherEntryAfterTheDiskWasFull()
    {
        _member.Disk.CapacityBytes = _member.Disk.UsedBytes + 10;
        await Assert.ThrowsAsync<IOException>(Defragment);
        Assert.True(_member.IsUp);
        _member.Disk.CapacityBytes = long.MaxValue;
        await Defragment();
    }

    private async Task Defragment()
    {
        Task done = _member.Machine.DefragmentAsync();
        _member.Node.ExpectMaintenance();
        for (int i = 0; i < 10_000 && !done.IsCompleted; i++)
            _cluster.Run();

        Assert.True(done.IsCompleted);
        await done;
    }

    private void Restart()
    {
        _member.Crash();
        _member.Boot();
        _cluster.Elect();
        _cluster.Run();
    }

    /// <summary>A disk that is mounted for reading only.</summary>
    private sealed class ReadOnlyFiles(IFileSystem inner) : IFileSystem
    {
        public bool CanRenameDirectoryWithOpenFiles => inner.CanRenameDirectoryWithOpenFiles;

        public IDataFile Open(string path, FileOpenMode mode) => mode == FileOpenMode.Read ? inner.Open(path, mode) : throw Refuse("open", path);

        public bool FileExists(string path) => inner.FileExists(path);

        public bool DirectoryExists(string path) => inner.DirectoryExists(path);

        public void CreateDirectory(string path) => throw Refuse("create directory", path);

        public IReadOnlyList<string> List(string directory) => inner.List(directory);

        public void Rename(string from, string to) => throw Refuse("rename", from);

        public void DeleteFile(string path) => throw Refuse("delete", path);

        public void DeleteDirectory(string path) => throw Refuse("delete directory", path);

        public void SyncDirectory(string path)
        {
        }

        private static FileSystemException Refuse(string operation, string path) =>
            new(FileSystemError.AccessDenied, operation, path, "read-only file system");
    }
}
