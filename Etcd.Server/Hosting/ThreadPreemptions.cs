using System.Runtime.InteropServices;

namespace Etcd.Server.Hosting;

/// <summary>
/// How often the system took the processor from the calling thread to run another one. Two looks tell whether what lies between them ran
/// through, so that a measured time is the work's own (and of whom it waited for), and not that of whoever was let run before it.
/// </summary>
internal static partial class ThreadPreemptions
{
    // getrusage(2): RUSAGE_THREAD, and the place of ru_nivcsw in struct rusage, which is the last of its eighteen longs.
    private const int CallingThread = 1;
    private const int Longs = 18;
    private const int InvoluntarySwitches = 17;

    /// <summary>The number for the calling thread; zero where the system does not tell. It has no meaning but that it grows.</summary>
    public static long OfThisThread()
    {
        if (!OperatingSystem.IsLinux())
        {
            return 0;
        }

        Span<long> usage = stackalloc long[Longs];
        return GetUsage(CallingThread, ref MemoryMarshal.GetReference(usage)) == 0 ? usage[InvoluntarySwitches] : 0;
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetUsage(int who, ref long usage);
}
