namespace Etcd.Server.Hosting.Flags;

/// <summary>
/// The members that --initial-cluster names: <c>a=http://h1:2380,b=http://h2:2380</c>, a name once for each of its URLs.
/// Immutable. The checks are for a member without data: one that has some knows its cluster from there, and etcd does not look at
/// these flags again.
/// </summary>
public sealed class InitialCluster
{
    private readonly SortedDictionary<string, string[]> _urls;

    private InitialCluster(SortedDictionary<string, string[]> urls) => _urls = urls;

    /// <summary>Each member's name with its peer URLs, in the order of names; URLs sorted, as ids need them.</summary>
    public IReadOnlyDictionary<string, string[]> Members => _urls;

    /// <summary>Parses what the flag says; without it, this member alone with the peer URLs that it advertises.</summary>
    /// <param name="options">The flags.</param>
    /// <exception cref="FormatException">A URL is none.</exception>
    public static InitialCluster Of(ServerOptions options)
    {
        var urls = new SortedDictionary<string, string[]>(StringComparer.Ordinal);
        if (options.InitialCluster.Length == 0)
        {
            urls[options.Name] = Advertised(options);
            return new InitialCluster(urls);
        }

        // As etcd reads it: pairs are neither trimmed nor required to be complete; a URL that is missing is no URL.
        foreach (string pair in options.InitialCluster.Split(',').Where(p => p.Length > 0))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? pair : pair[..equals];
            string url = EtcdUrl.Parse(equals < 0 ? "" : pair[(equals + 1)..]).Text;
            string[] known = urls.GetValueOrDefault(name) ?? [];
            urls[name] = [.. known.Append(url).Order(StringComparer.Ordinal)];
        }

        return new InitialCluster(urls);
    }

    /// <summary>What is wrong with it; null if nothing is.</summary>
    /// <param name="options">The flags.</param>
    public string? Check(ServerOptions options) => CheckLocal(options) ?? CheckDuplicates();

    /// <summary>
    /// What is said of a member that begins a new cluster, which must be listed under the URLs that it advertises, if it is not.
    /// </summary>
    /// <param name="options">The flags; the member is listed.</param>
    /// <param name="difference">How the two differ.</param>
    public string DescribeUnlisted(ServerOptions options, string difference)
    {
        string[] advertised = Advertised(options);
        string[] listed = _urls[options.Name];
        string[] missing = [.. listed.Except(advertised).Select(url => options.Name + "=" + url)];
        if (missing.Length > 0)
        {
            return $"--initial-cluster has {string.Join(',', missing)} but missing from --initial-advertise-peer-urls={string.Join(',', advertised)} ({difference})";
        }

        string[] unknown = [.. advertised.Except(listed).Select(url => options.Name + "=" + url)];
        string own = string.Join(',', advertised.Select(url => options.Name + "=" + url));
        return unknown.Length > 0
            ? $"--initial-advertise-peer-urls has {string.Join(',', unknown)} but missing from --initial-cluster={own}"
            : $"failed to resolve {string.Join(',', advertised)} to match --initial-cluster={own} ({difference})";
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Join(',', _urls.SelectMany(m => m.Value.Select(url => m.Key + "=" + url)).Order(StringComparer.Ordinal));

    internal static string[] Advertised(ServerOptions options) =>
        [.. options.InitialAdvertisePeerUrls.Select(u => u.Text).Order(StringComparer.Ordinal)];

    private string? CheckLocal(ServerOptions options) => _urls.ContainsKey(options.Name)
        ? null
        : $"couldn't find local name \"{options.Name}\" in the initial cluster configuration";

    private string? CheckDuplicates()
    {
        string[] all = [.. _urls.Values.SelectMany(urls => urls)];
        return all.Distinct(StringComparer.Ordinal).Count() == all.Length ? null : $"initial cluster {this} has duplicate url";
    }
}
