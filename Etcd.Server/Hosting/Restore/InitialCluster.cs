using Etcd.Server.Hosting.Flags;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;

namespace Etcd.Server.Hosting.Restore;

/// <summary>The members that a cluster begins with, as --initial-cluster names them.</summary>
/// <param name="Id">The cluster's id.</param>
/// <param name="Local">This member.</param>
/// <param name="Members">All members, ascending by id.</param>
internal sealed record InitialCluster(ulong Id, MemberId Local, IReadOnlyList<Member> Members)
{
    /// <summary>Works out members and ids as etcd does.</summary>
    /// <param name="options">What was told.</param>
    /// <exception cref="FormatException">It does not go together.</exception>
    public static InitialCluster Of(RestoreOptions options)
    {
        string[] advertised = [.. options.InitialAdvertisePeerUrls.Split(',').Select(Url).Order(StringComparer.Ordinal)];
        List<(string Name, string Url)> pairs = [.. options.InitialCluster.Split(',').Where(p => p.Length > 0).Select(Pair)];
        Check(options, pairs, advertised);
        Member[] members =
        [
            .. pairs.GroupBy(p => p.Name, StringComparer.Ordinal).Select(group =>
            {
                string[] urls = [.. group.Select(p => p.Url).Order(StringComparer.Ordinal)];
                return new Member(ClusterIds.ForMember(urls, options.InitialClusterToken), urls, IsLearner: false, group.Key, []);
            }).OrderBy(m => m.Id.Value),
        ];
        MemberId local = members.First(m => m.Name == options.Name).Id;
        return new InitialCluster(ClusterIds.ForCluster(members.Select(m => m.Id)), local, members);
    }

    private static void Check(RestoreOptions options, List<(string Name, string Url)> pairs, string[] advertised)
    {
        string[] local = [.. pairs.Where(p => p.Name == options.Name).Select(p => p.Url)];
        Require(local.Length > 0, $"couldn't find local name \"{options.Name}\" in the initial cluster configuration");
        string[] missing = [.. local.Except(advertised, StringComparer.Ordinal)];
        Require(
            missing.Length == 0,
            $"--initial-cluster has {Named(options, missing)} but missing from --initial-advertise-peer-urls={string.Join(',', advertised)}");
        string[] extra = [.. advertised.Except(local, StringComparer.Ordinal)];
        Require(
            extra.Length == 0,
            $"--initial-advertise-peer-urls has {Named(options, extra)} but missing from --initial-cluster={options.InitialCluster}");
        Require(
            pairs.Select(p => p.Url).Distinct(StringComparer.Ordinal).Count() == pairs.Count,
            $"initial cluster {options.InitialCluster} has duplicate url");
    }

    private static string Named(RestoreOptions options, IEnumerable<string> urls) => string.Join(',', urls.Select(u => $"{options.Name}={u}"));

    private static (string Name, string Url) Pair(string pair)
    {
        int equals = pair.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (pair, Url("")) : (pair[..equals], Url(pair[(equals + 1)..]));
    }

    private static string Url(string text) => EtcdUrl.Parse(text.Trim()).Text;

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new FormatException(otherwise);
        }
    }
}
