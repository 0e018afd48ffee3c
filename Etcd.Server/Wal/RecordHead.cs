namespace Etcd.Server.Wal;

/// <summary>The fields of a walpb.Record, its data as a place in the record.</summary>
internal readonly record struct RecordHead(ulong Type, uint Crc, int DataStart, int DataLength)
{
    /// <summary>Parses a whole record; unknown fields are passed over.</summary>
    public static bool TryRead(ReadOnlySpan<byte> record, out RecordHead head)
    {
        head = default;
        ulong type = 0, crc = 0;
        int dataStart = 0, dataLength = 0;
        int at = 0;
        while (at < record.Length)
        {
            if (!Proto.TryReadTag(record, ref at, out int field, out Proto.WireType wire))
            {
                return false;
            }

            bool read;
            switch (field, wire)
            {
                case (1, Proto.WireType.Varint):
                    read = Proto.TryReadVarint(record, ref at, out type);
                    break;
                case (2, Proto.WireType.Varint):
                    read = Proto.TryReadVarint(record, ref at, out crc) && crc <= uint.MaxValue;
                    break;
                case (3, Proto.WireType.Bytes):
                    read = Proto.TryReadLength(record, ref at, out dataLength);
                    dataStart = at;
                    at += dataLength;
                    break;
                default:
                    read = Proto.TrySkip(record, ref at, wire);
                    break;
            }

            if (!read)
            {
                return false;
            }
        }

        head = new RecordHead(type, (uint)crc, dataStart, dataLength);
        return true;
    }

    /// <summary>
    /// What the beginning of a record (type, crc, and tag and length of the data, in that order) says about the whole
    /// length. Null if <paramref name="record"/> ends or differs before; then <paramref name="at"/> is where.
    /// </summary>
    public static long? StatedLength(ReadOnlySpan<byte> record, long frameLength, out int at)
    {
        at = 0;
        if (!TryExpect(record, ref at, 0x08, out _) || !TryExpect(record, ref at, 0x10, out _))
        {
            return null;
        }

        if (at == frameLength)
        {
            return at;
        }

        return TryExpect(record, ref at, 0x1a, out ulong dataLength)
            ? at + (long)Math.Min(dataLength, long.MaxValue / 2)
            : null;
    }

    private static bool TryExpect(ReadOnlySpan<byte> record, ref int at, byte tag, out ulong value)
    {
        value = 0;
        if (at >= record.Length || record[at] != tag)
        {
            return false;
        }

        at++;
        return Proto.TryReadVarint(record, ref at, out value);
    }
}
