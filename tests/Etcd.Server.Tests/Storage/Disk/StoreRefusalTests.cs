using System.Buffers.Binary;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Storage.Disk;

/// <summary>What a store does not start on, and what it says: damage, other versions, other owners. Nothing is written then.</summary>
public sealed class StoreRefusalTests
{
    private readonly SimDisk _disk = new();

    public StoreRefusalTests()
    {
        using var rig = new DiskRig(_disk) { Applied = 1 };
        for (int i = 0; i < 40; i++)
            rig.Store.Put($"key{i}", new string('v', 300), lease: i % 3);

        rig.Store.CompactNow(20);
        rig.Checkpoint();
    }

    [Fact]
    public void AnyFlippedByteIsFoundWithItsFile()
    {
        foreach (string name in _disk.List(DiskRig.Folder).Where(n => n != "LOCK"))
        {
            string path = DiskRig.Folder + "/" + name;
            long length = _disk.ReadAll(path).Length;
            for (long at = 0; at < length; at++)
            {
                if (name.StartsWith("MANIFEST", StringComparison.Ordinal) && at is < 8 or > 11)
                    continue;

                _disk.FlipBits(path, at, 0x41);
                if (name == "MANIFEST.copy")
                {
                    // Nobody needs it now; the scrub looks.
                    ReadEverything();
                }
                else
                {
                    StoreException found = Assert.Throws<StoreException>(ReadEverything);
                    Assert.StartsWith(path, found.File);
                }

                _disk.FlipBits(path, at, 0x41);
            }
        }

        ReadEverything();
    }

    [Fact]
    public void ADamagedOrLostManifestIsReplacedByItsCopy()
    {
        string path = DiskRig.Folder + "/MANIFEST";
        byte[] whole = _disk.ReadAll(path);
        for (int at = 0; at <= whole.Length; at++)
        {
            // Of a version that is not known nothing is believed, and at the end the file is gone.
            if (at is >= 8 and < 12)
                continue;

            if (at < whole.Length)
                _disk.FlipBits(path, at, 0x41);
            else
                _disk.DeleteFile(path);

            using var rig = new DiskRig(_disk);
            Assert.Equal((StoreError.Corrupt, path), (rig.Taken.ManifestDamage!.Error, rig.Taken.ManifestDamage.File));
            Assert.True(rig.Store.TryGet("key7"u8, out _, out _));
            Assert.Equal(whole, _disk.ReadAll(path));
        }

        using var healthy = new DiskRig(_disk);
        Assert.Null(healthy.Taken.ManifestDamage);
    }

    [Fact]
    public void OfTwoDamagedManifestsTheFirstIsNamed()
    {
        _disk.FlipBits(DiskRig.Folder + "/MANIFEST", 30, 1);
        _disk.FlipBits(DiskRig.Folder + "/MANIFEST.copy", 30, 1);
        string before = Picture();
        StoreException found = Assert.Throws<StoreException>(ReadEverything);
        Assert.Equal((StoreError.Corrupt, DiskRig.Folder + "/MANIFEST", 0L), (found.Error, found.File, found.Offset));
        Assert.Equal(before, Picture());
    }

    [Fact]
    public void ADamagedRecordIsNamedWithFileAndOffset()
    {
        string path = DiskRig.Folder + "/" + _disk.List(DiskRig.Folder).Single(n => n.EndsWith(".seg", StringComparison.Ordinal));
        _disk.FlipBits(path, 5000, 1);
        StoreException found = Assert.Throws<StoreException>(ReadEverything);
        Assert.Equal((StoreError.Corrupt, path), (found.Error, found.File));
        Assert.InRange(found.Offset!.Value, 0, 5000);
    }

    [Fact]
    public void AMissingFileIsNamed()
    {
        string name = _disk.List(DiskRig.Folder).Single(n => n.EndsWith(".seg", StringComparison.Ordinal));
        _disk.DeleteFile(DiskRig.Folder + "/" + name);
        Assert.Contains(name, Assert.Throws<StoreException>(ReadEverything).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MANIFEST")]
    [InlineData("0000000000000001.seg")]
    public void AnUnknownVersionIsRefusedAndNothingIsWritten(string name)
    {
        string path = DiskRig.Folder + "/" + name;
        byte[] bytes = _disk.ReadAll(path);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), 2);
        _disk.Place(path, bytes);
        string before = Picture();
        StoreException found = Assert.Throws<StoreException>(ReadEverything);
        Assert.Equal(StoreError.UnknownVersion, found.Error);
        Assert.Contains("version 2", found.Message, StringComparison.Ordinal);
        Assert.Equal(before, Picture());
    }

    [Theory]
    [InlineData(8, 3)]
    [InlineData(7, 4)]
    public void AnotherOwnersFolderIsRefusedAndNothingIsWritten(ulong cluster, ulong member)
    {
        _disk.Place(DiskRig.Folder + "/00000000000000ff.seg", [1]);
        string before = Picture();
        StoreFolder folder = StoreFolder.Open(_disk, DiskRig.Folder);
        Assert.Equal(StoreError.Foreign, Assert.Throws<StoreException>(() => folder.Begin(cluster, new MemberId(member))).Error);
        Assert.Equal(before, Picture());
    }

    [Fact]
    public void ASecondOneFindsTheFolderInUse()
    {
        using var first = new DiskRig(_disk);
        Assert.Equal(StoreError.Locked, Assert.Throws<StoreException>(() => new DiskRig(_disk)).Error);
        first.Dispose();
        new DiskRig(_disk).Dispose();
    }

    [Fact]
    public void ACheckpointThatIsWrittenBetweenTheLookAndTheLockIsNotDamaged()
    {
        var ending = new DiskRig(_disk) { Applied = 2 };
        StoreFolder folder = StoreFolder.Open(_disk, DiskRig.Folder);
        ending.Store.Put("key0", "new");
        ending.Store.Defragment();
        ending.Checkpoint();
        ending.Dispose();
        string before = Picture();
        Assert.Equal(StoreError.Locked, Assert.Throws<StoreException>(() => folder.Begin(DiskRig.Cluster, DiskRig.Member)).Error);
        Assert.Equal(before, Picture());
        ReadEverything();
    }

    [Fact]
    public void WhatACrashLeftUnfinishedIsRemoved()
    {
        _disk.Place(DiskRig.Folder + "/00000000000000ff.seg", [1]);
        _disk.Place(DiskRig.Folder + "/MANIFEST.tmp", [1]);
        using var rig = new DiskRig(_disk);
        Assert.Equal(["0000000000000001.seg", "LOCK", "MANIFEST", "MANIFEST.copy"], _disk.List(DiskRig.Folder));
    }

    private void ReadEverything()
    {
        using var rig = new DiskRig(_disk);
        var result = new RangeResult();
        rig.Store.Range(new RangeQuery { Key = "\0"u8, RangeEnd = "\0"u8 }, result);
        Assert.Equal(40, result.Kvs.Length);
        rig.Store.HashKv(0, out _, out _);
    }

    private string Picture() => string.Join('\n', _disk.List(DiskRig.Folder).Select(n =>
        n + " " + Convert.ToHexString(_disk.ReadAll(DiskRig.Folder + "/" + n))));
}
