using System.Text;
using Etcd.Server.Watch;

namespace Etcd.Server.Tests.Watch;

/// <summary>The index of watched ranges against a plain list, under random inserts and removals.</summary>
public sealed class IntervalTreeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Finds_the_same_ranges_as_a_list(int seed)
    {
        var random = new Random(seed);
        var tree = new IntervalTree();
        List<Interest> list = [];
        for (int i = 0; i < 2000; i++)
        {
            if (list.Count > 0 && random.Next(5) < 2)
            {
                Interest removed = list[random.Next(list.Count)];
                list.Remove(removed);
                tree.Remove(removed);
            }
            else if (NewInterest(random) is { } added && tree.Find(added.Key, added.End) is null)
            {
                list.Add(added);
                tree.Insert(added);
            }

            byte[] key = RandomKey(random);
            List<Interest> found = [];
            tree.Stab(key, found);
            Assert.Equal(
                list.Where(r => key.AsSpan().SequenceCompareTo(r.Key) >= 0 && r.End.IsAfter(key)).ToHashSet(),
                found.ToHashSet());
            Assert.Equal(found.Count, found.Distinct().Count());
        }

        Assert.All(list, r => Assert.Same(r, tree.Find(r.Key, r.End)));
    }

    private static Interest? NewInterest(Random random)
    {
        byte[] key = RandomKey(random);
        KeyRangeEnd end = KeyRangeEnd.FromRequest(random.Next(10) == 0 ? [0] : RandomKey(random));
        return end.IsEmptyFrom(key) || end.IsSingleKey ? null : new Interest(key, end, random.Next());
    }

    private static byte[] RandomKey(Random random) =>
        Encoding.UTF8.GetBytes(new string([.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => (char)('a' + random.Next(4)))]));
}
