using System.Globalization;
using Etcd.TestKit.Processes.Clusters;

namespace Etcd.Interop.Tests.Clusters;

/// <summary>Puts of which it is known which were acknowledged.</summary>
internal static class Load
{
    private const int Writers = 50;

    /// <summary>
    /// Puts the keys prefix0 to prefixN, each with its number as the value, until each is acknowledged: by any active member, or by
    /// one of those that are given.
    /// </summary>
    public static Task PutAsync(
        ServerCluster cluster, string prefix, int count, CancellationToken cancellation, IReadOnlyList<ClusterMember>? by = null)
    {
        var client = new ClusterClient(by ?? [.. cluster.Members.Where(m => m.IsActive)]);
        return Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            for (int i = writer; i < count; i += Writers)
            {
                string number = i.ToString(CultureInfo.InvariantCulture);
                await client.PutAsync(prefix + number, number, cancellation);
            }
        }));
    }

    /// <summary>Requires that a member has all of them.</summary>
    public static async Task RequireAsync(ClusterMember member, string prefix, int count, CancellationToken cancellation)
    {
        Dictionary<string, string> found = (await MemberContents.KeysAsync(member, cancellation))
            .ToDictionary(k => k.Key.ToStringUtf8(), k => k.Value.ToStringUtf8());
        Assert.All(Enumerable.Range(0, count).Select(i => i.ToString(CultureInfo.InvariantCulture)), number =>
        {
            Assert.True(found.TryGetValue(prefix + number, out string? value), $"{member.Name} has no {prefix}{number}");
            Assert.Equal(number, value);
        });
    }
}
