using Etcd.Server.Io;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Io;

public sealed class SimDiskTests : FileSystemContract
{
    private readonly SimDisk _disk = new();

    public SimDiskTests()
    {
        _disk.CreateDirectory("/root");
        _disk.SyncDirectory("/");
    }

    protected override IFileSystem Files => _disk;

    protected override string Root => "/root";

    [Fact]
    public void A_power_failure_may_lose_all_that_was_not_synced()
    {
        WriteSyncedThenUnsynced(_disk);
        SimDisk after = _disk.Crash(CrashKind.NothingUnsynced);
        Assert.Equal([1, 1], after.ReadAll("/root/a"));
        Assert.Equal(["a"], after.List("/root"));
    }

    [Fact]
    public void A_power_failure_may_keep_all_that_was_not_synced()
    {
        WriteSyncedThenUnsynced(_disk);
        SimDisk after = _disk.Crash(CrashKind.EverythingUnsynced);
        Assert.Equal([1, 2], after.ReadAll("/root/a"));
        Assert.Equal(["a", "b"], after.List("/root"));
    }

    [Fact]
    public void A_synced_file_without_a_synced_name_may_be_gone()
    {
        using (IDataFile file = _disk.Open("/root/a", FileOpenMode.CreateNew))
        {
            file.WriteAt([1], 0);
            file.FullSync();
        }

        Assert.False(_disk.Crash(CrashKind.NothingUnsynced).FileExists("/root/a"));
    }

    /// <summary>Over many seeds every sector of one write is seen lost and kept, and never in part.</summary>
    [Fact]
    public void A_power_failure_tears_a_write_between_sectors_only()
    {
        bool lostBeforeKept = false;
        for (int seed = 0; seed < 50; seed++)
        {
            SimDisk disk = new(new SimDiskOptions { Seed = seed });
            using (IDataFile file = disk.Open("/a", FileOpenMode.CreateNew))
            {
                file.Preallocate(4 * SimDisk.SectorBytes);
                file.FullSync();
                disk.SyncDirectory("/");
                file.WriteAt(Enumerable.Repeat((byte)1, 4 * SimDisk.SectorBytes).ToArray(), 0);
            }

            byte[] left = disk.Crash(CrashKind.Torn).ReadAll("/a");
            byte[][] sectors = [.. left.Chunk(SimDisk.SectorBytes)];
            Assert.All(sectors, sector => Assert.Single(sector.Distinct()));
            lostBeforeKept |= sectors[0][0] == 0 && sectors[^1][0] == 1;
        }

        Assert.True(lostBeforeKept);
    }

    [Fact]
    public void The_same_seed_tears_alike()
    {
        Assert.Equal(Torn(5), Torn(5));
        Assert.Contains(Enumerable.Range(6, 20), seed => !Torn(5).SequenceEqual(Torn(seed)));
    }

    [Fact]
    public void The_end_of_the_process_loses_nothing_and_gives_up_the_locks()
    {
        IDataFile file = _disk.Open("/root/a", FileOpenMode.CreateNew);
        Assert.True(file.TryLock());
        file.WriteAt([1], 0);
        _disk.KillProcess();
        Assert.Throws<ObjectDisposedException>(() => file.WriteAt([2], 0));

        using IDataFile again = _disk.Open("/root/a", FileOpenMode.ReadWrite);
        Assert.True(again.TryLock());
        Assert.Equal([1], Content(again));
    }

    [Fact]
    public void The_power_fails_at_the_chosen_operation_and_nothing_works_after_it()
    {
        SimDisk disk = new(new SimDiskOptions { CrashAtOperation = 3 });
        IDataFile file = disk.Open("/a", FileOpenMode.CreateNew);
        file.WriteAt([1], 0);
        Assert.Throws<SimulatedCrashException>(file.FullSync);
        Assert.Throws<SimulatedCrashException>(() => file.ReadAt(new byte[1], 0));
        Assert.Empty(disk.Crash(CrashKind.NothingUnsynced).List("/"));
    }

    [Fact]
    public void After_a_failed_sync_nothing_more_is_written_and_its_data_may_never_reach_the_disk()
    {
        SimDisk disk = new(new SimDiskOptions { Seed = 3, FailSyncAtOperation = 5 });
        using IDataFile file = disk.Open("/a", FileOpenMode.CreateNew);
        file.WriteAt([1], 0);
        disk.SyncDirectory("/");
        file.DataSync();
        byte[] written = [.. Enumerable.Repeat((byte)2, 4 * SimDisk.SectorBytes)];
        file.WriteAt(written, 0);
        Assert.Equal(FileSystemError.Device, Fails(file.DataSync));
        Assert.Equal(FileSystemError.Poisoned, Fails(file.DataSync));
        Assert.Equal(FileSystemError.Poisoned, Fails(() => file.WriteAt([1], 0)));

        using (IDataFile again = disk.Open("/a", FileOpenMode.ReadWrite))
        {
            again.FullSync();
        }

        Assert.NotEqual(written, disk.Crash(CrashKind.EverythingUnsynced).ReadAll("/a"));
    }

    [Fact]
    public void A_write_beyond_the_capacity_is_cut_and_a_preallocation_refused()
    {
        SimDisk disk = new(new SimDiskOptions { CapacityBytes = 10 });
        using IDataFile file = disk.Open("/a", FileOpenMode.CreateNew);
        file.WriteAt([1, 2, 3, 4], 0);
        Assert.Equal(FileSystemError.NoSpace, Fails(() => file.WriteAt(new byte[8], 4)));
        Assert.Equal(10, file.Length);
        using IDataFile other = disk.Open("/b", FileOpenMode.CreateNew);
        Assert.Equal(FileSystemError.NoSpace, Fails(() => other.Preallocate(1)));
        file.SetLength(4);
        other.Preallocate(6);
        Assert.Equal(6, other.Length);
    }

    [Fact]
    public void Flipped_bits_are_seen_before_and_after_a_power_failure()
    {
        WriteSyncedThenUnsynced(_disk);
        _disk.FlipBits("/root/a", 0, 0x81);
        Assert.Equal(0x80, _disk.ReadAll("/root/a")[0]);
        Assert.Equal(0x80, _disk.Crash(CrashKind.NothingUnsynced).ReadAll("/root/a")[0]);
    }

    private static void WriteSyncedThenUnsynced(SimDisk disk)
    {
        using IDataFile a = disk.Open("/root/a", FileOpenMode.CreateNew);
        a.WriteAt([1, 1], 0);
        a.DataSync();
        disk.SyncDirectory("/root");
        a.WriteAt([2], 1);
        disk.Open("/root/b", FileOpenMode.CreateNew).Dispose();
    }

    private static byte[] Torn(int seed)
    {
        SimDisk disk = new(new SimDiskOptions { Seed = seed });
        using (IDataFile file = disk.Open("/a", FileOpenMode.CreateNew))
        {
            file.Preallocate(16 * SimDisk.SectorBytes);
            file.FullSync();
            disk.SyncDirectory("/");
            file.WriteAt(Enumerable.Repeat((byte)1, 16 * SimDisk.SectorBytes).ToArray(), 0);
        }

        return disk.Crash(CrashKind.Torn).ReadAll("/a");
    }
}
