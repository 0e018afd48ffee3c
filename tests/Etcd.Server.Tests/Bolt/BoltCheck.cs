using System.Buffers.Binary;

namespace Etcd.Server.Tests.Bolt;

/// <summary>
/// bbolt's rules for a file, checked over the bytes in the plainest way: every page below the high-water mark is reached exactly
/// once, keys ascend, children stay between their parent's keys, and no branch has a single child (bbolt panics on that later).
/// </summary>
internal static class BoltCheck
{
    public static void All(byte[] file)
    {
        ulong pages = BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(16 + 40));
        Assert.Equal((ulong)file.Length, pages * 4096);
        var reached = new HashSet<ulong> { 0, 1 };
        Walk(file, BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(16 + 16)), reached, null, null);
        Assert.Equal(pages, (ulong)reached.Count);
    }

    private static void Walk(byte[] file, ulong page, HashSet<ulong> reached, byte[]? from, byte[]? below)
    {
        ReadOnlySpan<byte> head = file.AsSpan((int)page * 4096);
        Assert.Equal(page, BinaryPrimitives.ReadUInt64LittleEndian(head));
        int kind = BinaryPrimitives.ReadUInt16LittleEndian(head[8..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(head[10..]);
        uint overflow = BinaryPrimitives.ReadUInt32LittleEndian(head[12..]);
        for (ulong at = page; at <= page + overflow; at++)
            Assert.True(reached.Add(at), $"page {at} is reached once");

        byte[] bytes = file.AsSpan((int)page * 4096, (1 + (int)overflow) * 4096).ToArray();
        Assert.True(kind is 1 or 2);
        Assert.True(kind == 2 || count >= 2, "a branch has two children");
        byte[][] keys = [.. Enumerable.Range(0, count).Select(i => KeyOf(bytes, kind, i))];
        for (int i = 0; i < count; i++)
        {
            Assert.True(i == 0 || keys[i - 1].AsSpan().SequenceCompareTo(keys[i]) < 0);
            Assert.True(from is null || from.AsSpan().SequenceCompareTo(keys[i]) <= 0);
            Assert.True(below is null || keys[i].AsSpan().SequenceCompareTo(below) < 0);
            ReadOnlySpan<byte> element = bytes.AsSpan(16 + (16 * i));
            if (kind == 1)
            {
                Walk(file, BinaryPrimitives.ReadUInt64LittleEndian(element[8..]), reached, keys[i], i + 1 < count ? keys[i + 1] : below);
            }
            else if (BinaryPrimitives.ReadUInt32LittleEndian(element) == 1)
            {
                int value = 16 + (16 * i) + (int)BinaryPrimitives.ReadUInt32LittleEndian(element[4..]) + keys[i].Length;
                Walk(file, BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(value)), reached, null, null);
            }
        }
    }

    private static byte[] KeyOf(byte[] bytes, int kind, int i)
    {
        int element = 16 + (16 * i);
        int at = kind == 1 ? 0 : 4;
        int position = (int)BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(element + at));
        int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(element + at + 4));
        return bytes[(element + position)..(element + position + length)];
    }
}
