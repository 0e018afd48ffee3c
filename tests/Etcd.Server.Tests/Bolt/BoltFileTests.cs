using System.Buffers.Binary;
using System.Text;
using Etcd.Server.Bolt;
using Etcd.Server.Tests.Storage;

namespace Etcd.Server.Tests.Bolt;

/// <summary>
/// Goal: what the writer writes, the reader reads, at every size at which a page, a run of pages or a level of the tree begins or
/// ends; and bbolt's own rules hold, which <see cref="BoltCheck"/> states independently of the reader. The real bbolt checks the same
/// in the interop tests.
/// </summary>
public class BoltFileTests
{
    [Fact]
    public void Bytes_of_a_small_database_are_as_documented()
    {
        // docs/bolt-format.md walks through these bytes.
        byte[] file = Write(new BoltBucket("b", () => new Entries([("k", "v"), ("kk", "")]).Cursor()));

        Assert.Equal(4 * 4096, file.Length);
        Assert.Equal(
            "00000000000000000400000000000000" + "EDDA0CED" + "02000000" + "00100000" + "00000000"
            + "03000000000000000000000000000000" + "FFFFFFFFFFFFFFFF" + "0400000000000000" + "0200000000000000",
            Convert.ToHexString(file.AsSpan(0, 72)));
        Assert.Equal(
            "0200000000000000" + "0200" + "0200" + "00000000"
            + "00000000" + "20000000" + "01000000" + "01000000"
            + "00000000" + "12000000" + "02000000" + "00000000"
            + "6B76" + "6B6B",
            Convert.ToHexString(file.AsSpan(2 * 4096, 16 + 32 + 4)));
        Assert.Equal(
            "0300000000000000" + "0200" + "0100" + "00000000"
            + "01000000" + "10000000" + "01000000" + "10000000"
            + "62" + "02000000000000000000000000000000",
            Convert.ToHexString(file.AsSpan(3 * 4096, 16 + 16 + 17)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(62)] // 62 records of 65 bytes fill a page but for a few bytes.
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(125)]
    [InlineData(5000)]
    [InlineData(40_000)]
    public void Any_number_of_keys_comes_back(int count)
    {
        var entries = new Entries();
        for (int i = 0; i < count; i++)
            entries.Add(Number(i, 17), new byte[32]);

        RoundTrip(entries);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(1000)]
    [InlineData(2015)]
    [InlineData(32768)]
    public void Keys_of_any_length_come_back_over_several_levels(int keyLength)
    {
        var entries = new Entries();
        int count = keyLength == 1 ? 255 : keyLength < 100 ? 20_000 : 300;
        for (int i = 0; i < count; i++)
            entries.Add(keyLength == 1 ? [(byte)(i + 1)] : Number(i, keyLength), [(byte)i]);

        RoundTrip(entries);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Branches_with_few_children_each_come_back(int leaves)
    {
        // Two keys fill more than a page, so a branch has as few children as it may have.
        var entries = new Entries();
        for (int i = 0; i < leaves; i++)
            entries.Add(Number(i, 4000), new byte[100]);

        RoundTrip(entries);
    }

    [Fact]
    public void Values_around_the_ends_of_pages_come_back()
    {
        // 16 of the page, 16 of the element, 17 of the key: 4047 bytes of value fill a page.
        foreach (int pages in (int[])[1, 2, 3, 40])
        {
            foreach (int delta in (int[])[-2, -1, 0, 1, 2])
            {
                var entries = new Entries();
                for (int i = 0; i < 5; i++)
                    entries.Add(Number(i, 17), Filled((pages * 4096) - 49 + delta, i));

                entries.Add(Number(9, 17), [1]);
                RoundTrip(entries);
            }
        }
    }

    [Fact]
    public void Random_databases_come_back() => TestSeed.ForEach(150, random =>
    {
        var buckets = new List<(string Name, Entries Content)>();
        for (int b = random.Next(6); b >= 0; b--)
        {
            var entries = new Entries();
            var keys = new SortedSet<string>(StringComparer.Ordinal);
            int keyMax = random.Next(1, 200);
            for (int i = random.Next(400); i > 0; i--)
                keys.Add(new string('x', random.Next(keyMax)) + random.Next(1000));

            foreach (string key in keys)
                entries.Add(Encoding.ASCII.GetBytes(key), Filled(random.Next(10) == 0 ? random.Next(20_000) : random.Next(100), b));

            buckets.Add(($"bucket{b}", entries));
        }

        byte[] file = Write([.. buckets.Select(b => new BoltBucket(b.Name, b.Content.Cursor))]);
        BoltCheck.All(file);
        var reader = new BoltReader(new MemoryStream(file));
        Assert.Equal(buckets.Select(b => b.Name).Order(StringComparer.Ordinal), reader.Buckets);
        foreach ((string name, Entries content) in buckets)
            content.AssertEqual(reader.Open(name)!);
    });

    [Fact]
    public void Content_that_changes_between_the_two_passes_is_noticed()
    {
        int passes = 0;
        var bucket = new BoltBucket("b", () => new Entries([("k", passes++ == 0 ? "v" : "longer")]).Cursor());
        var writer = new BoltWriter([bucket]);
        Assert.Throws<Primitives.InvariantException>(() => writer.WriteTo(new MemoryStream()));
    }

    [Fact]
    public void A_bucket_inside_its_parent_is_read()
    {
        // bbolt keeps small buckets so: root page 0, and the leaf's page behind it in the value.
        byte[] file = Write(new BoltBucket("b", () => new Entries([("k", "v")]).Cursor()));
        var inline = new byte[16 + 16 + 16 + 2];
        file.AsSpan(2 * 4096, 34).CopyTo(inline.AsSpan(16));
        inline.AsSpan(16, 8).Clear();
        Span<byte> root = file.AsSpan(3 * 4096);
        BinaryPrimitives.WriteInt32LittleEndian(root[28..], inline.Length);
        inline.CopyTo(root[33..]);

        BoltCursor cursor = new BoltReader(new MemoryStream(file)).Open("b")!;
        Assert.True(cursor.MoveNext());
        Assert.Equal("k=v", Encoding.ASCII.GetString(cursor.Key) + "=" + Encoding.ASCII.GetString(cursor.Value));
        Assert.False(cursor.MoveNext());
    }

    [Fact]
    public void The_other_meta_page_stands_in_for_a_damaged_one()
    {
        foreach (int page in (int[])[0, 1])
        {
            byte[] file = Write(new BoltBucket("b", () => new Entries([("k", "v")]).Cursor()));
            file[(page * 4096) + 50] ^= 1;
            Assert.Equal(["b"], new BoltReader(new MemoryStream(file)).Buckets);
        }
    }

    [Fact]
    public void Damage_ends_in_a_named_error_or_in_other_values() => TestSeed.ForEach(60, random =>
    {
        var entries = new Entries();
        int count = random.Next(1, 600);
        for (int i = 0; i < count; i++)
            entries.Add(Number(i, random.Next(4) == 0 ? 400 : 17), Filled(random.Next(20) == 0 ? 9000 : random.Next(80), i));

        byte[] good = Write(new BoltBucket("a", entries.Cursor), new BoltBucket("b", () => new Entries().Cursor()));
        for (int round = 0; round < 100; round++)
        {
            byte[] bad = [.. good];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                // Where it hurts most: the heads of pages and elements.
                int page = random.Next(bad.Length / 4096);
                int at = (page * 4096) + random.Next(random.Next(2) == 0 ? 96 : 4096);
                bad[at] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)(bad[at] ^ (1 << random.Next(8)));
            }

            int length = random.Next(10) == 0 ? random.Next(bad.Length + 1) : bad.Length;
            ReadAll(new MemoryStream(bad, 0, length), bad.Length);
        }
    });

    [Fact]
    public void A_tree_that_leads_back_to_itself_is_refused()
    {
        var entries = new Entries();
        for (int i = 0; i < 500; i++)
            entries.Add(Number(i, 17), new byte[32]);

        byte[] file = Write(new BoltBucket("b", entries.Cursor));
        int branch = Enumerable.Range(2, (file.Length / 4096) - 2).First(p => file[(p * 4096) + 8] == 1);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan((branch * 4096) + 16 + 8), branch);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => ReadAllOrThrow(new MemoryStream(file), file.Length));
        Assert.Contains($"page {branch}", error.Message, StringComparison.Ordinal);
    }

    private static byte[] Number(int number, int length)
    {
        var key = new byte[length];
        Encoding.ASCII.GetBytes(number.ToString("d8", System.Globalization.CultureInfo.InvariantCulture)).AsSpan(0, Math.Min(8, length)).CopyTo(key);
        return key;
    }

    private static byte[] Filled(int length, int with)
    {
        var value = new byte[length];
        value.AsSpan().Fill((byte)with);
        return value;
    }

    private static byte[] Write(params BoltBucket[] buckets)
    {
        var writer = new BoltWriter(buckets);
        var file = new MemoryStream();
        long length = writer.Length;
        writer.WriteTo(file);
        Assert.Equal(length, file.Length);
        return file.ToArray();
    }

    private static void RoundTrip(Entries entries)
    {
        byte[] file = Write(new BoltBucket("other", () => new Entries([("k", "v")]).Cursor()), new BoltBucket("b", entries.Cursor));
        BoltCheck.All(file);
        var reader = new BoltReader(new MemoryStream(file));
        entries.AssertEqual(reader.Open("b")!);
        Assert.Null(reader.Open("none"));
    }

    private static void ReadAll(MemoryStream file, int length)
    {
        try
        {
            ReadAllOrThrow(file, length);
        }
        catch (InvalidDataException e)
        {
            Assert.NotEmpty(e.Message);
        }
    }

    private static void ReadAllOrThrow(MemoryStream file, int length)
    {
        var reader = new BoltReader(file);
        foreach (string bucket in reader.Buckets)
        {
            BoltCursor cursor = reader.Open(bucket)!;
            int keys = 0;
            while (cursor.MoveNext())
                keys += cursor.Value.Length >= 0 ? 1 : 0;

            Assert.True(keys <= length / 17, "there cannot be more keys than the file has room for");
        }
    }
}
