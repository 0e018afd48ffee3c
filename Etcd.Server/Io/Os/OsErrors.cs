namespace Etcd.Server.Io.Os;

/// <summary>Maps what the runtime and the system calls report to <see cref="FileSystemException"/>.</summary>
internal static class OsErrors
{
    // errno on Linux and macOS alike, except for the two that differ.
    private const int EPERM = 1, ENOENT = 2, EACCES = 13, EEXIST = 17, ENOSPC = 28, EROFS = 30;
    private const int ENotEmptyLinux = 39, EDQuotLinux = 122, ENotEmptyMac = 66, EDQuotMac = 69;

    // The Win32 codes behind the HRESULTs 0x8007xxxx.
    private const int HandleDiskFull = 39, DiskFull = 112, DiskQuotaExceeded = 1295;

    public static void Run(string operation, string path, Action<string> action)
    {
        try
        {
            action(path);
        }
        catch (Exception e) when (Translate(e, operation, path) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>The exception to throw instead, or null if this one is to go on as it is.</summary>
    public static FileSystemException? Translate(Exception e, string operation, string path)
    {
        FileSystemError? error = e switch
        {
            FileSystemException => null,
            FileNotFoundException or DirectoryNotFoundException => FileSystemError.NotFound,
            UnauthorizedAccessException => FileSystemError.AccessDenied,
            IOException io => OperatingSystem.IsWindows() ? OfWin32(io.HResult & 0xffff) : OfErrno(io.HResult),
            _ => null,
        };
        return error is { } kind ? new FileSystemException(kind, operation, path, e.Message, e) : null;
    }

    public static FileSystemException FromErrno(int errno, string operation, string path) =>
        new(OfErrno(errno), operation, path, System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(errno));

    private static FileSystemError OfErrno(int errno) => errno switch
    {
        ENOENT => FileSystemError.NotFound,
        EPERM or EACCES or EROFS => FileSystemError.AccessDenied,
        EEXIST => FileSystemError.AlreadyExists,
        ENOSPC => FileSystemError.NoSpace,
        ENotEmptyLinux or EDQuotLinux when !OperatingSystem.IsMacOS() =>
            errno == ENotEmptyLinux ? FileSystemError.NotEmpty : FileSystemError.NoSpace,
        ENotEmptyMac or EDQuotMac when OperatingSystem.IsMacOS() =>
            errno == ENotEmptyMac ? FileSystemError.NotEmpty : FileSystemError.NoSpace,
        _ => FileSystemError.Device,
    };

    private static FileSystemError OfWin32(int code) => code switch
    {
        HandleDiskFull or DiskFull or DiskQuotaExceeded => FileSystemError.NoSpace,
        80 or 183 => FileSystemError.AlreadyExists,
        145 => FileSystemError.NotEmpty,
        _ => FileSystemError.Device,
    };
}
