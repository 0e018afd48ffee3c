using System.Globalization;
using System.Text;
using Etcd.Server.Primitives;
using Etcd.Server.Storage.Index;

namespace Etcd.Server.Tests.Storage;

/// <summary>
/// Goal: an index that is built at once answers as one whose keys were put one by one, and can be changed as that. Method: sizes around those at which
/// the tree gets another leaf or level; every key, rank and count compared.
/// </summary>
public sealed class KeyIndexBuilderTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(56)]
    [InlineData(57)]
    [InlineData(56 * 56)]
    [InlineData((56 * 56) + 1)]
    [InlineData(9000)]
    public void Every_key_has_its_place(int keys)
    {
        var index = new KeyIndex();
        var builder = new KeyIndexBuilder(index);
        for (int i = 0; i < keys; i++)
        {
            // Every fifth is deleted, every seventh has a second version.
            Assert.True(builder.TryAdd(Key(i), new KeyVersion(new Revision((2 * i) + 2, 0), (2 * i) + 2, 1, IsTombstone: false, HasLease: false), out uint first));
            if (i % 5 == 0 || i % 7 == 0)
            {
                var second = new KeyVersion(new Revision((2 * i) + 3, 0), (2 * i) + 2, 2, i % 5 == 0, HasLease: false);
                Assert.True(builder.TryAdd(Key(i), second, out uint again));
                Assert.Equal(first, again);
            }
        }

        builder.Finish();
        index.BeginBatch();
        Check(index, keys, i => i % 5 != 0);
        for (int i = 0; i < keys; i += 5)
            Assert.False(index.Put(Key(i), new Revision((2 * keys) + i + 2, 0), hasLease: false, out _, out _));

        Check(index, keys, _ => true);
    }

    [Fact]
    public void A_key_before_the_last_one_is_refused()
    {
        var builder = new KeyIndexBuilder(new KeyIndex());
        builder.TryAdd(Key(2), new KeyVersion(new Revision(2, 0), 2, 1, IsTombstone: false, HasLease: false), out _);
        Assert.Throws<InvalidDataException>(
            () => builder.TryAdd(Key(1), new KeyVersion(new Revision(3, 0), 3, 1, IsTombstone: false, HasLease: false), out _));
    }

    [Fact]
    public void A_second_deletion_is_refused()
    {
        var builder = new KeyIndexBuilder(new KeyIndex());
        Assert.True(builder.TryAdd(Key(1), new KeyVersion(new Revision(2, 0), 0, 0, IsTombstone: true, HasLease: false), out _));
        Assert.False(builder.TryAdd(Key(1), new KeyVersion(new Revision(3, 0), 0, 0, IsTombstone: true, HasLease: false), out _));
    }

    private static void Check(KeyIndex index, int keys, Func<int, bool> isLive)
    {
        var reader = new IndexReader(index, index.Root);
        Assert.Equal(keys, reader.TotalCount());
        IndexWalker walker = reader.From(default);
        int rank = 0;
        for (int i = 0; i < keys; i++, walker.Next())
        {
            Assert.True(walker.IsValid);
            Assert.True(KeyRecord.Span(index.Slabs, walker.Key).SequenceEqual(Key(i)), $"key {i} of {keys}");
            Assert.Equal(isLive(i), walker.IsLive);
            Assert.True(reader.TryFind(Key(i), out uint handle) && handle == walker.Key, $"key {i} of {keys} is found");
            Assert.Equal(rank, reader.LiveRank(Key(i)));
            rank += isLive(i) ? 1 : 0;
        }

        Assert.False(walker.IsValid);
        Assert.Equal(rank, reader.LiveCount());
    }

    private static byte[] Key(int number) => Encoding.ASCII.GetBytes("a/prefix/" + number.ToString("d8", CultureInfo.InvariantCulture));
}
