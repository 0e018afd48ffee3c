using System.Globalization;

namespace Etcd.Client;

/// <summary>Names keys as Go's recipes do: after the time in nanoseconds. No name comes twice in a process.</summary>
internal static class UniqueKeys
{
    private const long NanosecondsPerTick = 100;

    private static long s_last;

    /// <summary>A name below the folder, which ends without a slash.</summary>
    public static EtcdKey Below(EtcdKey folder, TimeProvider time)
    {
        long now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * NanosecondsPerTick;
        long seen = Volatile.Read(ref s_last);
        while (true)
        {
            long next = Math.Max(now, seen + 1);
            long found = Interlocked.CompareExchange(ref s_last, next, seen);
            if (found == seen)
                return folder.Append("/" + next.ToString(CultureInfo.InvariantCulture));
            seen = found;
        }
    }
}
