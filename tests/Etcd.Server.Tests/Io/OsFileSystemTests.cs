using Etcd.Server.Io;
using Etcd.Server.Io.Os;

namespace Etcd.Server.Tests.Io;

public sealed class OsFileSystemTests : FileSystemContract, IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("io-");

    protected override IFileSystem Files => OsFileSystem.Instance;

    protected override string Root => _root.FullName;

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void Files_and_directories_are_private_to_their_owner()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "POSIX modes");
        Create("a", 1);
        Files.CreateDirectory(At("d"));
        Assert.Equal("600", Mode(At("a")));
        Assert.Equal("700", Mode(At("d")));
    }

    /// <summary>/dev/full refuses every write as a full disk does.</summary>
    [Fact]
    public void A_full_disk_is_told_apart_from_a_broken_one()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "no /dev/full here");
        using IDataFile full = Files.Open("/dev/full", FileOpenMode.ReadWrite);
        Assert.Equal(FileSystemError.NoSpace, Fails(() => full.WriteAt([1], 0)));
    }

    /// <summary>fsync of a character device fails with EINVAL: as good a failed sync as any.</summary>
    [Fact]
    public void After_a_failed_sync_nothing_more_is_written()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs /dev/null");
        using IDataFile file = Files.Open("/dev/null", FileOpenMode.ReadWrite);
        file.WriteAt([1], 0);
        Assert.Equal(FileSystemError.Device, Fails(file.DataSync));
        Assert.True(file.IsPoisoned);
        Assert.Equal(FileSystemError.Poisoned, Fails(() => file.WriteAt([1], 0)));
        Assert.Equal(FileSystemError.Poisoned, Fails(file.FullSync));
    }

    private static string Mode(string path) =>
        OperatingSystem.IsWindows() ? "" : Convert.ToString((int)File.GetUnixFileMode(path), 8);
}
