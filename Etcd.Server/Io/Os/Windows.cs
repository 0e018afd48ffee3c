using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Etcd.Server.Io.Os;

/// <summary>The Win32 calls that the runtime has no name for.</summary>
[SupportedOSPlatform("windows")]
internal static partial class Windows
{
    private const uint FailImmediately = 1, Exclusive = 2;
    private const int ErrorLockViolation = 33, ErrorIoPending = 997;

    /// <summary>Locks the first byte, as etcd does. Windows enforces the lock: other handles cannot read that byte.</summary>
    public static unsafe bool TryLock(SafeFileHandle file, string path)
    {
        NativeOverlapped atStart = default;
        if (LockFileEx(file, FailImmediately | Exclusive, 0, 1, 0, &atStart) != 0)
        {
            return true;
        }

        int code = Marshal.GetLastPInvokeError();
        return code is ErrorLockViolation or ErrorIoPending
            ? false
            : throw new FileSystemException(FileSystemError.Device, "lock", path, Marshal.GetPInvokeErrorMessage(code));
    }

    [LibraryImport("kernel32", SetLastError = true)]
    private static unsafe partial int LockFileEx(
        SafeFileHandle file, uint flags, uint reserved, uint lengthLow, uint lengthHigh, NativeOverlapped* overlapped);
}
