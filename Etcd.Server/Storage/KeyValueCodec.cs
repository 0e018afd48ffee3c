using System.Diagnostics.CodeAnalysis;
using Etcd.Server.Primitives;

namespace Etcd.Server.Storage;

/// <summary>
/// The bytes of mvccpb.KeyValue as Go's encoder writes them, because they are hashed, compared between members and copied
/// into answers as they are: key = 1, create_revision = 2, mod_revision = 3, version = 4, value = 5, lease = 6, ascending,
/// zero and empty left out. Example: key "a", created and modified at 2, version 1, value "b" is
/// <c>0A 01 61 10 02 18 02 20 01 2A 01 62</c>.
/// </summary>
internal static class KeyValueCodec
{
    private const byte KeyTag = 0x0A;
    private const byte CreateTag = 0x10;
    private const byte ModTag = 0x18;
    private const byte VersionTag = 0x20;
    private const byte ValueTag = 0x2A;
    private const byte LeaseTag = 0x30;

    /// <summary>The bytes that a record takes.</summary>
    public static int Size(in KeyValueFields fields) =>
        BytesSize(fields.Key.Length) + NumberSize(fields.CreateRevision) + NumberSize(fields.ModRevision)
        + NumberSize(fields.Version) + BytesSize(fields.Value.Length) + NumberSize(fields.Lease.Value);

    /// <summary>Writes a record.</summary>
    /// <param name="to">At least <see cref="Size"/> bytes.</param>
    /// <param name="fields">What to write.</param>
    /// <returns>The bytes written.</returns>
    public static int Write(Span<byte> to, in KeyValueFields fields)
    {
        int at = WriteBytes(to, KeyTag, fields.Key);
        at += WriteNumber(to[at..], CreateTag, fields.CreateRevision);
        at += WriteNumber(to[at..], ModTag, fields.ModRevision);
        at += WriteNumber(to[at..], VersionTag, fields.Version);
        at += WriteBytes(to[at..], ValueTag, fields.Value);
        return at + WriteNumber(to[at..], LeaseTag, fields.Lease.Value);
    }

    /// <summary>Reads a record that this codec wrote.</summary>
    public static KeyValueFields Read(ReadOnlySpan<byte> record)
    {
        var fields = default(KeyValueFields);
        int at = 0;
        while (at < record.Length)
        {
            byte tag = record[at++];
            ulong number = ReadVarint(record, ref at);
            switch (tag)
            {
                case KeyTag:
                    fields.Key = record.Slice(at, (int)number);
                    at += (int)number;
                    break;
                case CreateTag:
                    fields.CreateRevision = (long)number;
                    break;
                case ModTag:
                    fields.ModRevision = (long)number;
                    break;
                case VersionTag:
                    fields.Version = (long)number;
                    break;
                case ValueTag:
                    fields.Value = record.Slice(at, (int)number);
                    at += (int)number;
                    break;
                case LeaseTag:
                    fields.Lease = new LeaseId((long)number);
                    break;
                default:
                    ThrowUnknown(tag);
                    break;
            }
        }

        return fields;
    }

    /// <summary>Reads a record that comes from elsewhere.</summary>
    /// <param name="record">The bytes.</param>
    /// <param name="fields">What they say; the spans lie in <paramref name="record"/>.</param>
    /// <returns>Whether this codec would have written exactly these bytes, so that it may be stored as it is.</returns>
    public static bool TryRead(ReadOnlySpan<byte> record, out KeyValueFields fields)
    {
        fields = default;
        int at = 0;
        byte last = 0;
        while (at < record.Length)
        {
            byte tag = record[at++];
            if (tag <= last || !TryReadVarint(record, ref at, out ulong number))
                return false;

            last = tag;
            ReadOnlySpan<byte> bytes = default;
            if (tag is KeyTag or ValueTag)
            {
                if (number > (ulong)(record.Length - at))
                    return false;

                bytes = record.Slice(at, (int)number);
                at += (int)number;
            }

            switch (tag)
            {
                case KeyTag:
                    fields.Key = bytes;
                    break;
                case CreateTag:
                    fields.CreateRevision = (long)number;
                    break;
                case ModTag:
                    fields.ModRevision = (long)number;
                    break;
                case VersionTag:
                    fields.Version = (long)number;
                    break;
                case ValueTag:
                    fields.Value = bytes;
                    break;
                case LeaseTag:
                    fields.Lease = new LeaseId((long)number);
                    break;
                default:
                    return false;
            }
        }

        // Zeros that were written and varints with needless bytes make a record longer than it must be.
        return Size(fields) == record.Length;
    }

    /// <summary>Where the key stands in a record, which it always begins.</summary>
    public static (int Start, int Length) KeyPlace(ReadOnlySpan<byte> record)
    {
        int at = 1;
        int length = (int)ReadVarint(record, ref at);
        return (at, length);
    }

    private static int BytesSize(int length) => length == 0 ? 0 : 1 + VarintSize((ulong)length) + length;

    private static int NumberSize(long number) => number == 0 ? 0 : 1 + VarintSize((ulong)number);

    private static int VarintSize(ulong value) => (63 - System.Numerics.BitOperations.LeadingZeroCount(value | 1)) / 7 + 1;

    private static int WriteBytes(Span<byte> to, byte tag, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return 0;

        to[0] = tag;
        int at = 1 + WriteVarint(to[1..], (ulong)bytes.Length);
        bytes.CopyTo(to[at..]);
        return at + bytes.Length;
    }

    private static int WriteNumber(Span<byte> to, byte tag, long number)
    {
        if (number == 0)
            return 0;

        to[0] = tag;
        return 1 + WriteVarint(to[1..], (ulong)number);
    }

    private static int WriteVarint(Span<byte> to, ulong value)
    {
        int at = 0;
        for (; value >= 0x80; value >>= 7)
            to[at++] = (byte)(value | 0x80);

        to[at++] = (byte)value;
        return at;
    }

    private static ulong ReadVarint(ReadOnlySpan<byte> from, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = from[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
    }

    private static bool TryReadVarint(ReadOnlySpan<byte> from, ref int at, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (at == from.Length)
                return false;

            byte next = from[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return shift < 63 || next < 2;
        }

        return false;
    }

    [DoesNotReturn]
    private static void ThrowUnknown(byte tag) => Invariant.Fail($"a stored record has only KeyValue's fields, not tag 0x{tag:x2}");
}
