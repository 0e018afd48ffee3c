using System.Text;
using Etcd.Server.Auth;

namespace Etcd.Server.Tests.Auth;

/// <summary>
/// Goal: a set of ranges says yes exactly where etcd's interval tree does. Method: random grants and questions over few short keys, with
/// every kind of end, against that tree's rules applied to a plain list.
/// </summary>
public sealed class KeyRangesTests
{
    private static readonly byte[][] Keys = [.. new[] { "a", "a\0", "a\0\0", "aa", "b", "b\0", "ba", "c", "\0", "\xff" }.Select(Encoding.Latin1.GetBytes)];

    [Fact]
    public void What_is_contained_is_what_etcds_tree_contains()
    {
        var random = new Random(20261127);
        int yes = 0;
        for (int round = 0; round < 20_000; round++)
        {
            KeyPermission[] granted = [.. Enumerable.Range(0, random.Next(6)).Select(_ => Permission(random)).Where(p => KeyPermission.IsValidRange(p.Key, p.RangeEnd))];
            KeyRanges ranges = KeyRanges.Of(granted);
            byte[] key = Keys[random.Next(Keys.Length)];
            byte[] end = End(random);
            bool expected = end.Length == 0 ? granted.Any(g => CoversPoint(g, key)) : Contains(granted, key, end is [0] ? null : end);
            yes += expected ? 1 : 0;
            Assert.True(
                expected == ranges.Contain(key, end),
                $"{Text(key)} to {Text(end)} in {string.Join(", ", granted.Select(g => $"{Text(g.Key)} to {Text(g.RangeEnd)}"))}: expected {expected}");
        }

        Assert.InRange(yes, 2000, 18_000);
    }

    [Fact]
    public void Pieces_that_touch_are_one()
    {
        KeyRanges ranges = KeyRanges.Of([Of("b", "d"), Of("a", "b"), Of("d", "")]);
        Assert.True(ranges.Contain("a"u8, "d"u8));
        Assert.True(ranges.Contain("a"u8, "d\0"u8));
        Assert.False(ranges.Contain("a"u8, "e"u8));
        Assert.False(ranges.Contain("a"u8, "\0"u8));
    }

    /// <summary>GHSA-xg4h-6gfc-h4m8: the right to one key was taken for the right to all from it on.</summary>
    [Fact]
    public void One_key_is_not_all_keys_from_it_on()
    {
        KeyRanges ranges = KeyRanges.Of([Of("a", "")]);
        Assert.True(ranges.Contain("a"u8, ""u8));
        Assert.False(ranges.Contain("a"u8, "\0"u8));
        Assert.False(ranges.Contain("\0"u8, "\0"u8));
        Assert.True(KeyRanges.Of([Of("\0", "\0")]).Contain("a"u8, "\0"u8));
    }

    [Fact]
    public void Names_are_sorted_by_their_bytes()
    {
        string[] names = ["", "a", "aa", "b", "z", "é", "\u20ac", "\ud7ff", "\ue000", "\uffff", "\U0001F600", "\U0001F600a", "\U0010FFFF", "\ue000a"];
        string[] expected = [.. names.OrderBy(Encoding.UTF8.GetBytes, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)))];
        Assert.Equal(expected, names.Order(Utf8Order.Instance));
    }

    private static KeyPermission Of(string key, string end) => new(PermissionKind.Read, Encoding.ASCII.GetBytes(key), Encoding.ASCII.GetBytes(end));

    private static KeyPermission Permission(Random random) => new(PermissionKind.Read, Keys[random.Next(Keys.Length)], End(random));

    private static byte[] End(Random random) => random.Next(4) switch { 0 => [], 1 => [0], _ => Keys[random.Next(Keys.Length)] };

    private static byte[]? EndOf(KeyPermission granted) =>
        granted.RangeEnd is [] ? [.. granted.Key, 0] : granted.RangeEnd is [0] ? null : granted.RangeEnd;

    private static int Compare(byte[]? a, byte[]? b) =>
        a is null || b is null ? (a is null ? 1 : 0) - (b is null ? 1 : 0) : a.AsSpan().SequenceCompareTo(b);

    private static bool CoversPoint(KeyPermission granted, byte[] key) => Compare(granted.Key, key) <= 0 && Compare(key, EndOf(granted)) < 0;

    /// <summary>pkg/adt: those that meet the question, from the left; no gap between them; together they reach over both of its ends.</summary>
    private static bool Contains(KeyPermission[] granted, byte[] begin, byte[]? end)
    {
        byte[]? least = null;
        byte[]? most = null;
        bool any = false;
        foreach (KeyPermission g in granted.OrderBy(g => g.Key, Comparer<byte[]>.Create(Compare)))
        {
            bool isLeft = Compare(begin, g.Key) < 0 && Compare(end, g.Key) <= 0;
            bool isRight = Compare(begin, EndOf(g)) >= 0;
            if (isLeft || isRight)
                continue;

            if (!any)
                (any, least, most) = (true, g.Key, EndOf(g));
            else if (Compare(most, g.Key) < 0)
                return false;
            else if (Compare(EndOf(g), most) > 0)
                most = EndOf(g);
        }

        return any && Compare(most, end) >= 0 && Compare(least, begin) <= 0;
    }

    private static string Text(byte[] key) => Encoding.Latin1.GetString(key).Replace('\0', '0');
}
