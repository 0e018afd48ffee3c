using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Peers;
using Etcd.Server.Io;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Wal;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Members;

/// <summary>
/// How a member begins: who it is, and whom it can talk to before it knows its cluster. One that has data is told so by the data.
/// </summary>
/// <param name="Birth">Who it is if it has no data.</param>
/// <param name="KnownPeers">The other members as they were told; none unless it joins.</param>
internal sealed record ClusterBirth(MemberBirth Birth, IReadOnlyList<PeerAddress> KnownPeers)
{
    private static readonly TimeSpan JoinTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan NewTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan VersionPause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The beginning of one of the first members of a cluster, by the flags alone. Whether it is listed where it advertises is not
    /// looked at: see <see cref="RequireListedAsync"/>.
    /// </summary>
    /// <param name="options">The flags.</param>
    /// <exception cref="ClusterStartException">The flags do not go together.</exception>
    public static ClusterBirth New(ServerOptions options)
    {
        InitialCluster cluster = InitialCluster.Of(options);
        Require(cluster.Check(options));
        Member[] members = [.. cluster.Members.Select(m => new Member(
            ClusterIds.ForMember(m.Value, options.InitialClusterToken), m.Value, IsLearner: false, m.Key, ClientUrls: []))];
        return new ClusterBirth(
            new MemberBirth(members.Single(m => m.Name == options.Name).Id, ClusterIds.ForCluster(members.Select(m => m.Id)), members), []);
    }

    /// <summary>
    /// Finds out how a member begins. With data nobody is asked; without, the other members are: a new one must not have been part
    /// of the cluster before, and one that joins learns its id and the cluster's.
    /// </summary>
    /// <param name="options">The flags.</param>
    /// <param name="files">The disk.</param>
    /// <param name="log">Where it is told.</param>
    /// <param name="cancellation">No longer wanted.</param>
    /// <exception cref="ClusterStartException">It cannot begin so.</exception>
    public static async Task<ClusterBirth> FindAsync(ServerOptions options, IFileSystem files, ILogger log, CancellationToken cancellation)
    {
        if (WriteAheadLog.Exists(files, options.EffectiveWalDir))
        {
            return OfOneWithData(options);
        }

        using var http = new PeerHttp(TimeSpan.FromMilliseconds(1000 + options.ElectionMilliseconds), PeerTls.ForClient(options));
        if (options.InitialClusterState == InitialClusterState.Existing)
        {
            return await JoinAsync(options, http, log, cancellation).ConfigureAwait(false);
        }

        ClusterBirth birth = New(options);
        await RequireListedAsync(options, UrlComparison.OfSystem(log), cancellation).ConfigureAwait(false);
        await RefuseIfKnownAsync(birth.Birth, options, http, cancellation).ConfigureAwait(false);
        return birth;
    }

    /// <summary>A member that begins a new cluster must be listed in it under the URLs that it advertises.</summary>
    /// <param name="options">The flags; the member is listed.</param>
    /// <param name="urls">How URLs are compared.</param>
    /// <param name="cancellation">No longer wanted.</param>
    /// <exception cref="ClusterStartException">It is not.</exception>
    internal static async Task RequireListedAsync(ServerOptions options, UrlComparison urls, CancellationToken cancellation)
    {
        InitialCluster cluster = InitialCluster.Of(options);
        using CancellationTokenSource limit = Limit(UrlComparison.Patience, cancellation);
        string? difference = await urls.DifferenceAsync(
            InitialCluster.Advertised(options), cluster.Members[options.Name], limit.Token).ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        Require(difference is null ? null : cluster.DescribeUnlisted(options, difference));
    }

    /// <summary>
    /// The ids that flags and an existing cluster agree on: each member that the flags name is one of the cluster by its peer URLs,
    /// and the other way round.
    /// </summary>
    /// <param name="named">What the flags name.</param>
    /// <param name="existing">What the cluster says.</param>
    /// <param name="urls">How URLs are compared.</param>
    /// <param name="cancellation">No longer wanted.</param>
    /// <returns>The members with the cluster's ids and the flags' names.</returns>
    /// <exception cref="ClusterStartException">They do not agree.</exception>
    internal static async Task<IReadOnlyList<Member>> AssignIdsAsync(
        InitialCluster named, PeerMembers existing, UrlComparison urls, CancellationToken cancellation)
    {
        string text = Describe(existing);
        if (named.Members.Count != existing.Members.Count)
        {
            throw new ClusterStartException($"error validating peerURLs {text}: member count is unequal");
        }

        using CancellationTokenSource limit = Limit(UrlComparison.Patience, cancellation);
        var found = new List<Member>();
        foreach (Member member in existing.Members)
        {
            (string? name, string difference) = await FindAsync(named, member, urls, limit.Token).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            found.Add(name is not null ? member with { Name = name } : throw new ClusterStartException(
                $"error validating peerURLs {text}: PeerURLs: no match found for existing member ({member.Id}, [{string.Join(' ', member.PeerUrls)}]), last resolver error ({difference})"));
        }

        return found;
    }

    private static async Task<(string? Name, string Difference)> FindAsync(
        InitialCluster named, Member member, UrlComparison urls, CancellationToken cancellation)
    {
        string last = "";
        foreach ((string name, string[] theirs) in named.Members)
        {
            if (await urls.DifferenceAsync(member.PeerUrls, theirs, cancellation).ConfigureAwait(false) is not { } difference)
            {
                return (name, "");
            }

            last = difference;
        }

        return (null, last);
    }

    private static ClusterBirth OfOneWithData(ServerOptions options)
    {
        try
        {
            // A crash right after the log was made leaves it empty, and then the flags count once more.
            return options.InitialClusterState == InitialClusterState.New ? New(options) : Nobody;
        }
        catch (ClusterStartException)
        {
            return Nobody;
        }
    }

    private static ClusterBirth Nobody { get; } = new(new MemberBirth(MemberId.None, 0, []), []);

    private static async Task<ClusterBirth> JoinAsync(ServerOptions options, PeerHttp http, ILogger log, CancellationToken cancellation)
    {
        InitialCluster named = InitialCluster.Of(options);
        Require(named.Check(options));
        PeerCalls calls = Calls(options, http);
        PeerMembers existing = await AskAsync(calls, OtherUrls(named, options.Name), log, cancellation).ConfigureAwait(false)
            ?? throw new ClusterStartException(
                "cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs");
        IReadOnlyList<Member> members = await AssignIdsAsync(
            named, existing, UrlComparison.OfSystem(log), cancellation).ConfigureAwait(false);
        MemberId self = members.FirstOrDefault(m => m.Name == options.Name)?.Id
            ?? throw new ClusterStartException($"couldn't find local name \"{options.Name}\" in the initial cluster configuration");
        await RefuseIfIncompatibleAsync(calls, [.. members.Where(m => m.Id != self)], options, cancellation).ConfigureAwait(false);
        if (existing.Members.Count(m => m.IsLearner) > options.MaxLearners)
        {
            throw new ClusterStartException("membership: too many learner members in cluster");
        }

        PeerAddress[] peers = [.. members.Where(m => m.Id != self).Select(m => new PeerAddress(m.Id, m.PeerUrls))];
        return new ClusterBirth(new MemberBirth(self, existing.ClusterId, []), peers);
    }

    private static async Task<PeerMembers?> AskAsync(PeerCalls calls, IReadOnlyList<string> urls, ILogger log, CancellationToken cancellation)
    {
        foreach (string url in urls)
        {
            try
            {
                using var limit = Limit(JoinTimeout, cancellation);
                return await calls.MembersAsync([url], limit.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is PeerCallException or OperationCanceledException && !cancellation.IsCancellationRequested)
            {
                HostingLog.NoClusterAnswer(log, url + PeerPaths.Members, e.Message);
            }
        }

        return null;
    }

    /// <summary>A new member whose id has published client URLs already has lost its data, and must not vote as if it had not.</summary>
    private static async Task RefuseIfKnownAsync(MemberBirth birth, ServerOptions options, PeerHttp http, CancellationToken cancellation)
    {
        PeerCalls calls = Calls(options, http);
        foreach (string url in birth.InitialMembers.Where(m => m.Id != birth.Id).SelectMany(m => m.PeerUrls).Order(StringComparer.Ordinal))
        {
            PeerMembers known;
            try
            {
                using var limit = Limit(NewTimeout, cancellation);
                known = await calls.MembersAsync([url], limit.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is PeerCallException or OperationCanceledException && !cancellation.IsCancellationRequested)
            {
                // The rule in a new cluster: the others are not there yet.
                continue;
            }

            if (known.Members.Any(m => m.Id == birth.Id && m.ClientUrls.Count > 0))
            {
                throw new ClusterStartException($"member {birth.Id} has already been bootstrapped");
            }

            return;
        }
    }

    private static async Task RefuseIfIncompatibleAsync(
        PeerCalls calls, IReadOnlyList<Member> others, ServerOptions options, CancellationToken cancellation)
    {
        using CancellationTokenSource patience = Limit(JoinTimeout, cancellation);
        while (true)
        {
            (bool any, bool undecided) = await AskVersionsAsync(calls, others, options, cancellation).ConfigureAwait(false);
            if (any)
            {
                return;
            }

            // A cluster that is just beginning agrees in a moment.
            if (undecided)
            {
                await Task.Delay(VersionPause, patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            cancellation.ThrowIfCancellationRequested();
            if (!undecided || patience.IsCancellationRequested)
            {
                throw new ClusterStartException("incompatible with current running cluster");
            }
        }
    }

    /// <summary>Whether any member told an agreed version that this one can work with, and whether one had none to tell.</summary>
    private static async Task<(bool Any, bool Undecided)> AskVersionsAsync(
        PeerCalls calls, IReadOnlyList<Member> others, ServerOptions options, CancellationToken cancellation)
    {
        bool any = false;
        bool undecided = false;
        foreach (Member other in others)
        {
            try
            {
                using var limit = Limit(JoinTimeout, cancellation);
                PeerVersions versions = await calls.VersionAsync(other.PeerUrls, limit.Token).ConfigureAwait(false);
                if (ClaimedVersion.Number(versions.Cluster) is not { } cluster)
                {
                    undecided = true;
                    continue;
                }

                if (cluster < ClaimedVersion.Number(ClaimedVersion.MinCluster) || cluster > ClaimedVersion.Number(options.ClaimedVersion.Cluster))
                {
                    throw new ClusterStartException("incompatible with current running cluster");
                }

                if (cluster < ClaimedVersion.Number(options.ClaimedVersion.Cluster)
                    && await IsDowngradingAsync(calls, other, cancellation).ConfigureAwait(false))
                {
                    // The members of this version are on their way out.
                    throw new ClusterStartException("incompatible with current running cluster");
                }

                any = true;
            }
            catch (Exception e) when (e is PeerCallException or OperationCanceledException && !cancellation.IsCancellationRequested)
            {
                // Another member may be down.
            }
        }

        return (any, undecided);
    }

    private static async Task<bool> IsDowngradingAsync(PeerCalls calls, Member member, CancellationToken cancellation)
    {
        try
        {
            using var limit = Limit(JoinTimeout, cancellation);
            return await calls.IsDowngradeEnabledAsync(member.PeerUrls, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is PeerCallException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            // One that cannot tell, because there is no quorum, begins none either.
            return false;
        }
    }

    private static PeerCalls Calls(ServerOptions options, PeerHttp http) => new(
        http, new PeerIdentity(MemberId.None, 0, [.. options.InitialAdvertisePeerUrls.Select(u => u.Text)], options.ClaimedVersion));

    private static string[] OtherUrls(InitialCluster cluster, string name) =>
        [.. cluster.Members.Where(m => m.Key != name).SelectMany(m => m.Value).Order(StringComparer.Ordinal)];

    private static CancellationTokenSource Limit(TimeSpan limit, CancellationToken cancellation)
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        source.CancelAfter(limit);
        return source;
    }

    private static string Describe(PeerMembers members) =>
        $"{{ClusterID:{members.ClusterId:x} Members:[{string.Join(' ', members.Members.Select(m => $"&{{ID:{m.Id} PeerURLs:[{string.Join(' ', m.PeerUrls)}]}}"))}]}}";

    private static void Require(string? error)
    {
        if (error is not null)
        {
            throw new ClusterStartException(error);
        }
    }
}
