using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Etcd.Server.Io.Os;

/// <summary>
/// The POSIX calls that the runtime has no name for. Each is retried on EINTR, except that a sync which was
/// interrupted counts as failed like any other.
/// </summary>
internal static partial class Unix
{
    private const int EINTR = 4, EAGAIN = 11, EACCES = 13, EINVAL = 22, EOPNOTSUPP = 95;
    private const int EAgainMac = 35;
    private const int ReadOnlyCloseOnExecLinux = 0x80000, ReadOnlyCloseOnExecMac = 0x1000000;
    private const int OfdSetLock = 37;
    private const int FlockExclusiveNonBlocking = 2 | 4;
    private const short WriteLock = 1;

    public static void DataSync(SafeFileHandle file, string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            // macOS: fsync does not reach the platter; the runtime uses F_FULLFSYNC.
            OsErrors.Run("fsync", path, _ => RandomAccess.FlushToDisk(file));
        }
        else if (fdatasync(file) != 0)
        {
            throw OsErrors.FromErrno(Marshal.GetLastPInvokeError(), "fdatasync", path);
        }
    }

    public static void FullSync(SafeFileHandle file, string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            OsErrors.Run("fsync", path, _ => RandomAccess.FlushToDisk(file));
        }
        else if (fsync(file) != 0)
        {
            throw OsErrors.FromErrno(Marshal.GetLastPInvokeError(), "fsync", path);
        }
    }

    public static void SyncDirectory(string path)
    {
        int flags = OperatingSystem.IsLinux() ? ReadOnlyCloseOnExecLinux : ReadOnlyCloseOnExecMac;
        int descriptor = open(path, flags);
        while (descriptor < 0 && Marshal.GetLastPInvokeError() == EINTR)
        {
            descriptor = open(path, flags);
        }

        if (descriptor < 0)
        {
            throw OsErrors.FromErrno(Marshal.GetLastPInvokeError(), "open directory", path);
        }

        using SafeFileHandle directory = new(descriptor, ownsHandle: true);
        if (fsync(directory) != 0)
        {
            throw OsErrors.FromErrno(Marshal.GetLastPInvokeError(), "fsync directory", path);
        }
    }

    /// <summary>Sets space aside; false where the file system cannot, which is no failure (etcd falls back alike).</summary>
    public static bool TryAllocate(SafeFileHandle file, string path, long length)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        while (fallocate(file, 0, 0, length) != 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            if (errno is EOPNOTSUPP or EINVAL)
            {
                return false;
            }

            if (errno != EINTR)
            {
                throw OsErrors.FromErrno(errno, "fallocate", path);
            }
        }

        return true;
    }

    /// <summary>
    /// On Linux an open-file-description lock over the whole file, which is what etcd takes: it excludes another
    /// process as well as a second open file of this one. Elsewhere flock, as etcd does there.
    /// </summary>
    public static bool TryLock(SafeFileHandle file, string path)
    {
        while (LockCall(file) != 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            if (errno is EAGAIN or EACCES or EAgainMac)
            {
                return false;
            }

            if (errno != EINTR)
            {
                throw OsErrors.FromErrno(errno, "lock", path);
            }
        }

        return true;
    }

    private static int LockCall(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            return flock(file, FlockExclusiveNonBlocking);
        }

        FileLock wholeFile = new() { Type = WriteLock };
        return fcntl(file, OfdSetLock, ref wholeFile);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(SafeFileHandle fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(SafeFileHandle fd, int mode, long offset, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeFileHandle fd, int command, ref FileLock argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle fd, int operation);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    /// <summary>struct flock of 64-bit Linux; zero start and length mean the whole file, and the pid must be 0.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Pid;
    }
}
