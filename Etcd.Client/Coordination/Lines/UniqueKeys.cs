using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Etcd.Client;

/// <summary>
/// Names keys so that none comes twice, in this process or another: after the time in nanoseconds, as Go's recipes do, with 64 random
/// bits behind it.
/// </summary>
/// <remarks>
/// The time alone would not do: two processes that look at the clock within one of its ticks (100 ns) would have one name, and where
/// they share a lease nothing in the store could tell their keys apart. Go's recipes read the names as text and sort by revisions.
/// </remarks>
internal static class UniqueKeys
{
    private const long NanosecondsPerTick = 100;

    /// <summary>A name below the folder, which ends without a slash.</summary>
    public static EtcdKey Below(EtcdKey folder, TimeProvider time)
    {
        long now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * NanosecondsPerTick;
        Span<byte> random = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(random);
        return folder.Append(string.Create(CultureInfo.InvariantCulture, $"/{now}-{BinaryPrimitives.ReadUInt64BigEndian(random):x16}"));
    }
}
