using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Etcd.Server.Io;
using Etcd.Server.Storage;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Storage.Disk;

/// <summary>
/// A crash between any two calls of the disk, with un-synced writes lost and torn; failing syncs; a full disk. What a restart finds is exactly
/// the state after some whole batch, not before the last checkpoint that was reported durable, and not after the last one that was begun; or, after
/// a failed sync, the same. Method: seeded runs of several lives. ETCD_TEST_SEED repeats one. The slow test runs as many as ETCD_STORE_SEEDS says, from ETCD_STORE_FROM on, and
/// records them in docs/storage-seeds.md.
/// Covers the ledger's #13766 (index and data apart), #14685 and #17780 (crash during compaction or defragmentation).
/// </summary>
public sealed class StoreCrashTests
{
    private const int Lives = 4;

    [Fact]
    public void ARestartFindsExactlyACheckpoint() => TestSeed.ForEach(250, Run);

    [Fact]
    [Trait("Category", "Slow")]
    public void ManySeedsAndALineInTheDocs()
    {
        int from = Number("ETCD_STORE_FROM", 1);
        int count = Number("ETCD_STORE_SEEDS", 20_000);
        var findings = new List<string>();
        for (int seed = from; seed < from + count; seed++)
        {
            try
            {
                Run(new Random(seed));
            }
            catch (Exception e)
            {
                findings.Add($"seed {seed}: {e.Message.ReplaceLineEndings(" ")}");
            }
        }

        string root = typeof(StoreCrashTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(static a => a.Key == "RepositoryRoot").Value!;
        File.AppendAllText(
            Path.Combine(root, "docs", "storage-seeds.md"),
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {DateTime.UtcNow:yyyy-MM-dd} | {Commit(root)} | {from} to {from + count - 1} | {(findings.Count == 0 ? "none" : $"{findings.Count}: " + string.Join("; ", findings.Take(5)))} |\n"));
        Assert.Empty(findings);
    }

    [Fact]
    public void ACrashAtEachOperationOfACheckpointLeavesTheOldOneOrTheNew()
    {
        for (long at = 1; ; at++)
        {
            foreach (CrashKind kind in Enum.GetValues<CrashKind>())
            {
                if (!CrashesAt(at, kind))
                    return;
            }
        }
    }

    [Fact]
    public void AFullDiskGivesACheckpointUpAndNothingIsLost()
    {
        var disk = new SimDisk();
        var rig = new DiskRig(disk) { Applied = 1 };
        rig.Store.Put("a", new string('x', 5000));
        rig.Checkpoint();
        long used = disk.UsedBytes;
        rig.Store.Put("b", new string('y', 5000));
        rig.Applied = 2;
        for (int room = 0; room < 5000; room += 100)
        {
            disk.CapacityBytes = used + room;
            long said = rig.Store.SizeBytes;
            rig.Checkpoint();
            Assert.True(rig.WasFull);
            Assert.Equal((1UL, used, said), (rig.Durable, disk.UsedBytes, rig.Store.SizeBytes));
        }

        Assert.True(rig.Store.TryGet("b"u8, out _, out _));
        disk.CapacityBytes = long.MaxValue;
        rig.Checkpoint();
        Assert.Equal((2UL, false), (rig.Durable, rig.WasFull));
        disk.KillProcess();
        rig = new DiskRig(disk);
        Assert.Equal(2UL, rig.Applied);
        Assert.True(rig.Store.TryGet("a"u8, out _, out _) && rig.Store.TryGet("b"u8, out _, out _));
    }

    [Fact]
    public void AFullDiskAnywhereInADefragmentationLeavesNothingBehind()
    {
        for (int room = 0; ; room++)
        {
            var disk = new SimDisk();
            var rig = new DiskRig(disk) { Applied = 1 };
            for (int i = 0; i < 4; i++)
                rig.Store.Put("k" + (i % 2), new string('x', 30));

            rig.Checkpoint();
            rig.Store.CompactNow(rig.Store.CurrentRevision);
            rig.Applied = 2;
            long used = disk.UsedBytes;
            disk.CapacityBytes = used + room;
            rig.Store.Defragment();
            rig.Finish();
            bool full = rig.WasFull;
            Assert.Equal(full ? 1UL : 2UL, rig.Durable);
            // Copies that are done wait for the checkpoint.
            Assert.InRange(disk.UsedBytes, 1, used + (full ? 250 : 0));
            disk.CapacityBytes = long.MaxValue;
            rig.Store.Defragment();
            rig.Checkpoint();
            disk.KillProcess();
            rig = new DiskRig(disk);
            Assert.Equal((2UL, 5L), (rig.Applied, rig.Store.CompactRevision));
            Assert.True(rig.Store.TryGet("k0"u8, out _, out _) && rig.Store.TryGet("k1"u8, out _, out _));
            Assert.Equal(4, disk.List(DiskRig.Folder).Count);
            if (!full)
                return;
        }
    }

    private static int Number(string variable, int fallback) =>
        int.Parse(Environment.GetEnvironmentVariable(variable) ?? fallback.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static string Commit(string root)
    {
        using Process git = Process.Start(new ProcessStartInfo("git", ["-C", root, "describe", "--always", "--dirty"]) { RedirectStandardOutput = true })!;
        string said = git.StandardOutput.ReadToEnd().Trim();
        git.WaitForExit();
        return said;
    }

    private static bool CrashesAt(long operation, CrashKind kind)
    {
        var disk = new SimDisk(new SimDiskOptions { Seed = (int)operation });
        var rig = new DiskRig(disk) { Applied = 1 };
        rig.Store.Put("a", "1");
        rig.Store.Put("b", "1");
        rig.Checkpoint();
        rig.Store.Put("a", "2");
        rig.Store.CompactNow(rig.Store.CurrentRevision);
        rig.Applied = 2;
        disk.CrashAtOperation = disk.Operations + operation;
        bool crashed = false;
        try
        {
            rig.Store.Defragment();
            rig.Finish();
        }
        catch (SimulatedCrashException)
        {
            crashed = true;
        }

        rig = new DiskRig(disk.Crash(kind));
        Assert.InRange(rig.Applied, crashed ? 1UL : 2UL, 2UL);
        Assert.True(rig.Store.TryGet("a"u8, out ReadOnlyMemory<byte> found, out _));
        Assert.Equal(rig.Applied == 1 ? "1"u8 : "2"u8, KeyValueFields.Parse(found.Span).Value);
        Assert.Equal(rig.Applied == 1 ? -1 : 4, rig.Store.CompactRevision);
        return crashed;
    }

    private static void Run(Random random)
    {
        var history = new History();
        var disk = new SimDisk(new SimDiskOptions { Seed = random.Next() });
        ulong durable = 0;
        for (int life = 0; life < Lives; life++)
        {
            ulong begun = durable;
            DiskRig? rig = null;
            Arm(disk, random);
            try
            {
                rig = new DiskRig(disk);
                Check(rig, history, durable, begun, $"life {life}");
                begun = durable = rig.Applied;
                history.Truncate((int)rig.Applied);
                begun = Live(random, rig, history, begun);
            }
            catch (Exception e) when (e is SimulatedCrashException or FileSystemException)
            {
                // The next life begins with what survived.
            }

            durable = Math.Max(durable, rig?.Durable ?? 0);
            disk = disk.Crash(
                random.Next(3) switch { 0 => CrashKind.NothingUnsynced, 1 => CrashKind.EverythingUnsynced, _ => CrashKind.Torn },
                new SimDiskOptions { Seed = random.Next() });
        }

        var last = new DiskRig(disk);
        Check(last, history, durable, (ulong)history.Count, "the end");
    }

    private static void Arm(SimDisk disk, Random random)
    {
        switch (random.Next(10))
        {
            case 0:
                disk.FailSyncAtOperation = random.Next(1, 60);
                break;
            case 1:
                disk.CapacityBytes = disk.UsedBytes + random.Next(20_000);
                break;
            default:
                disk.CrashAtOperation = random.Next(1, 120);
                break;
        }
    }

    private static void Check(DiskRig rig, History history, ulong durable, ulong begun, string where)
    {
        Assert.True(rig.Applied >= durable, $"{where}: found {rig.Applied}, and {durable} was durable");
        Assert.True(rig.Applied <= Math.Max(begun, (ulong)history.Count), $"{where}: found {rig.Applied}");
        var copy = rig.Store;
        while (copy.RunOnce() == StoreWork.Worked)
        {
        }

        History.Compare(history.Model((int)rig.Applied), copy, where);
    }

    private static ulong Live(Random random, DiskRig rig, History history, ulong begun)
    {
        for (int i = random.Next(10, 60); i > 0; i--)
        {
            history.Next(random, rig.Store, keys: 6, valueBytesMax: 900);
            rig.Applied = (ulong)history.Count;
            if (random.Next(5) == 0 && rig.TryBegin())
                begun = rig.Applied;

            if (random.Next(40) == 0)
                rig.Store.Defragment();

            for (int steps = random.Next(8); steps > 0; steps--)
                rig.Step();
        }

        return begun;
    }
}
