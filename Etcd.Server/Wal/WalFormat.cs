namespace Etcd.Server.Wal;

/// <summary>
/// The numbers of the on-disk format, which is etcd's (docs/wal-format.md has it in words, with worked bytes).
/// </summary>
public static class WalFormat
{
    /// <summary>Before each record: its length and padding. Frames are 8-aligned, so one is never torn in the middle.</summary>
    public const int FrameBytes = 8;

    /// <summary>What a disk writes as a whole; a torn write leaves each sector either old or new.</summary>
    public const int SectorBytes = 512;

    /// <summary>Where a write ends that does not end with a record: what the kernel copies, and the disk writes, as a whole.</summary>
    public const int PageBytes = 8 * SectorBytes;

    /// <summary>
    /// When a segment reaches this it is closed and the next begun (etcd: 64 * 1000 * 1000, not 2^26). It may end
    /// beyond, because a batch is never split.
    /// </summary>
    public const long SegmentBytes = 64_000_000;

    /// <summary>Extension of the segments.</summary>
    public const string SegmentExtension = ".wal";

    /// <summary>Extension of files and directories that are not finished; never read.</summary>
    public const string TemporaryExtension = ".tmp";

    /// <summary>Appended to a segment's name for the copy that a repair keeps of it.</summary>
    public const string BrokenExtension = ".broken";

    internal const int PaddingShift = 56;
    internal const ulong LengthMask = (1UL << PaddingShift) - 1;
    internal const ulong PaddingFlag = 0x80;

    /// <summary>How many bytes bring a record of this length to the next multiple of 8.</summary>
    internal static int PaddingOf(long recordBytes) => (int)(-recordBytes & (FrameBytes - 1));

    /// <summary>The frame: length in the low 56 bits; with padding, 0x80 plus its size in the top byte.</summary>
    internal static ulong Frame(long recordBytes)
    {
        int padding = PaddingOf(recordBytes);
        ulong top = padding == 0 ? 0 : PaddingFlag | (uint)padding;
        return (ulong)recordBytes | (top << PaddingShift);
    }
}
