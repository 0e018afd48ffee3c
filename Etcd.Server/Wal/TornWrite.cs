namespace Etcd.Server.Wal;

/// <summary>
/// Tells what a crash leaves of a write from damage. The rule is etcd's: a disk writes sectors of 512 bytes as a
/// whole and the space before was zero, so in a torn record some sector's share is all zero, or the file ends inside
/// it. Beyond etcd's rule the head of the record, if it is there, must state the length that the frame states:
/// otherwise the frame was damaged, and what follows may well have been acknowledged.
/// </summary>
internal static class TornWrite
{
    /// <summary>Whether a torn write can have left the record like this.</summary>
    /// <param name="available">The record without padding, as far as the file has it.</param>
    /// <param name="length">Its length by its frame.</param>
    /// <param name="fileOffset">Where it begins in the file.</param>
    /// <param name="fileEnds">Whether the file ends inside it or its padding.</param>
    public static bool Explains(ReadOnlySpan<byte> available, long length, long fileOffset, bool fileEnds) =>
        (fileEnds || HasZeroSector(available, fileOffset)) && HeadAgrees(available, length, fileOffset);

    private static bool HasZeroSector(ReadOnlySpan<byte> record, long fileOffset)
    {
        while (!record.IsEmpty)
        {
            ReadOnlySpan<byte> share = record[..ShareOfSector(record.Length, fileOffset)];
            if (!share.ContainsAnyExcept((byte)0))
            {
                return true;
            }

            record = record[share.Length..];
            fileOffset += share.Length;
        }

        return false;
    }

    private static bool HeadAgrees(ReadOnlySpan<byte> record, long length, long fileOffset)
    {
        long? stated = RecordHead.StatedLength(record, length, out int at);
        return stated == length
            || at >= record.Length
            || IsInZeroSector(record, at, fileOffset)
            || IsInZeroSector(record, at - 1, fileOffset);
    }

    /// <summary>The last byte that the head was read from, or the first that did not fit, was never written.</summary>
    private static bool IsInZeroSector(ReadOnlySpan<byte> record, int at, long fileOffset)
    {
        if (at < 0)
        {
            return false;
        }

        int start = (int)Math.Max(0, at - ((fileOffset + at) % WalFormat.SectorBytes));
        ReadOnlySpan<byte> rest = record[start..];
        return !rest[..ShareOfSector(rest.Length, fileOffset + start)].ContainsAnyExcept((byte)0);
    }

    private static int ShareOfSector(int length, long fileOffset) =>
        (int)Math.Min(length, WalFormat.SectorBytes - (fileOffset % WalFormat.SectorBytes));
}
