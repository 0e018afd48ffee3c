using Etcd.Server.Api;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Members;
using Etcd.Server.Membership;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Microsoft.Extensions.Primitives;

namespace Etcd.Server.Tests.Members;

/// <summary>What flags say about a cluster, and how the members of one that is there are told from each other.</summary>
public sealed class ClusterStartTests
{
    private static readonly Dictionary<string, string> NoEnvironment = [];

    [Fact]
    public void IdsComeFromSortedUrlsAndTheToken()
    {
        ClusterBirth a = ClusterBirth.New(Parse(
            "--name", "a", "--initial-cluster", "b=http://h2:1,a=http://h1:2,a=http://h1:1", "--initial-advertise-peer-urls", "http://h1:1,http://h1:2"));
        ClusterBirth b = ClusterBirth.New(Parse(
            "--name", "b", "--initial-cluster", "a=http://h1:1,a=http://h1:2,b=http://h2:1", "--initial-advertise-peer-urls", "http://h2:1"));
        Assert.Equal(a.Birth.ClusterId, b.Birth.ClusterId);
        Assert.Equal(ClusterIds.ForMember(["http://h1:1", "http://h1:2"], "etcd-cluster"), a.Birth.Id);
        Assert.Equal(["http://h1:1", "http://h1:2"], a.Birth.InitialMembers.Single(m => m.Name == "a").PeerUrls);
        Assert.Equal(2, b.Birth.InitialMembers.Count);
        ClusterBirth other = ClusterBirth.New(Parse(
            "--name", "b", "--initial-cluster", "a=http://h1:1,b=http://h2:1", "--initial-advertise-peer-urls", "http://h2:1", "--initial-cluster-token", "t"));
        Assert.NotEqual(b.Birth.Id, other.Birth.Id);
    }

    [Theory]
    [InlineData("couldn't find local name \"default\" in the initial cluster configuration", "--initial-cluster", "a=http://localhost:2380")]
    [InlineData("initial cluster b=http://localhost:2380,default=http://localhost:2380 has duplicate url", "--initial-cluster", "default=http://localhost:2380,b=http://localhost:2380")]
    public void FlagsThatDoNotGoTogetherAreRefusedAtANewStart(string expected, params string[] flags) =>
        Assert.Equal(expected, Assert.Throws<ClusterStartException>(() => ClusterBirth.New(Parse(flags))).Message);

    [Theory]
    [InlineData("--initial-cluster has default=http://10.0.0.1:1 but missing from --initial-advertise-peer-urls=http://localhost:2380 (resolved urls: \"http://localhost:2380\" != \"http://10.0.0.1:1\")", "--initial-cluster", "default=http://10.0.0.1:1")]
    [InlineData("--initial-cluster has default=http://127.0.0.1:2380 but missing from --initial-advertise-peer-urls=http://localhost:2380 (resolved urls: \"http://localhost:2380\" != \"http://127.0.0.1:2380\")", "--initial-cluster", "default=http://127.0.0.1:2380")]
    [InlineData("--initial-advertise-peer-urls has default=http://y:1 but missing from --initial-cluster=default=http://x:1,default=http://y:1", "--initial-cluster", "default=http://x:1", "--initial-advertise-peer-urls", "http://x:1,http://y:1")]
    [InlineData(null, "--initial-cluster", "default=http://10.0.0.1:1", "--initial-advertise-peer-urls", "http://h1:1")]
    [InlineData(null, "--initial-cluster", "default=http://h1:1,default=http://h2:1", "--initial-advertise-peer-urls", "http://10.0.0.2:1,http://10.0.0.1:1")]
    public async Task AMemberOfANewClusterIsListedWhereItAdvertises(string? expected, params string[] flags)
    {
        ServerOptions options = Parse(flags);
        Task checking = ClusterBirth.RequireListedAsync(options, Urls, TestContext.Current.CancellationToken);
        Assert.Equal(expected, (await Record.ExceptionAsync(() => checking))?.Message);
    }

    [Theory]
    [InlineData("http://h1:1", "http://h1:1", true)]
    [InlineData("http://h1:1", "http://10.0.0.1:1", true)]
    [InlineData("http://h1:1", "http://also-h1:1", true)]
    [InlineData("http://h1:1", "http://h2:1", false)]
    [InlineData("http://h1:1", "https://h1:1", false)]
    [InlineData("http://h1:1", "http://h1:2", false)]
    [InlineData("http://[::1]:1", "http://[0:0:0:0:0:0:0:1]:1", true)]
    [InlineData("http://localhost:1", "http://127.0.0.1:1", false)]
    [InlineData("unix:///a", "unix:///a", true)]
    [InlineData("unix:///a", "unix:///b", false)]
    [InlineData("http://h1:1,http://h2:1", "http://10.0.0.2:1,http://10.0.0.1:1", true)]
    [InlineData("http://h1:1,http://h2:1", "http://h1:1", false)]
    public async Task UrlsAreTheSameIfTheyLeadToTheSamePlace(string some, string others, bool expected) =>
        Assert.Equal(expected, await Urls.DifferenceAsync(some.Split(','), others.Split(','), TestContext.Current.CancellationToken) is null);

    [Fact]
    public async Task ANameThatIsNotKnownYetIsLookedUpAgain()
    {
        var clock = new Etcd.TestKit.FakeTimeProvider();
        int asked = 0;
        var urls = new UrlComparison(
            (_, _) => ++asked < 3 ? throw new System.Net.Sockets.SocketException(11001) : Task.FromResult<System.Net.IPAddress[]>([System.Net.IPAddress.Parse("10.0.0.1")]),
            clock,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        Task<string?> comparing = urls.DifferenceAsync(["http://late:1"], ["http://10.0.0.1:1"], TestContext.Current.CancellationToken);
        Assert.False(comparing.IsCompleted);
        while (!comparing.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Null(await comparing);
        Assert.Equal(3, asked);

        using var over = new CancellationTokenSource();
        asked = -10;
        comparing = urls.DifferenceAsync(["http://never:1"], ["http://10.0.0.1:1"], over.Token);
        await over.CancelAsync();
        Assert.StartsWith("failed to resolve \"http://never:1\" (", await comparing, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MembersAreToldByTheirUrlsWhateverTheirOrder()
    {
        InitialCluster named = InitialCluster.Of(Parse("--initial-cluster", "a=http://10.0.0.1:1,b=http://h2:2,b=http://h2:1"));
        IReadOnlyList<Member> members = await AssignAsync(named, Existing(
            (7, ["http://h2:2", "http://h2:1"], false), (9, ["http://h1:1"], true)));
        Assert.Equal([("b", 7ul, false), ("a", 9ul, true)], members.Select(m => (m.Name, m.Id.Value, m.IsLearner)));
    }

    [Theory]
    [InlineData("member count is unequal", "a=http://h1:1")]
    [InlineData("PeerURLs: no match found for existing member (9, [http://h1:1]), last resolver error (resolved urls: \"http://10.0.0.1:1\" != \"http://10.0.0.2:1\")", "a=http://h1:2,b=http://h2:1")]
    public async Task FlagsAndClusterMustNameTheSame(string expected, string initialCluster)
    {
        InitialCluster named = InitialCluster.Of(Parse("--initial-cluster", initialCluster));
        PeerMembers existing = Existing((7, ["http://h2:1"], false), (9, ["http://h1:1"], false));
        string message = (await Assert.ThrowsAsync<ClusterStartException>(() => AssignAsync(named, existing))).Message;
        Assert.StartsWith("error validating peerURLs {ClusterID:", message, StringComparison.Ordinal);
        Assert.EndsWith(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "3.7", "3.7.0")]
    [InlineData(null, null, "3.0.0")]
    [InlineData("3.0.0", "3.6", "3.6.0")]
    [InlineData("3.6.0", "3.7", "3.7.0")]
    [InlineData("3.7.0", "3.7", null)]
    [InlineData("3.7.0", "3.6", null)]
    [InlineData("3.6.0", null, null)]
    public void TheClusterVersionIsTheLowestAndNeverLowerThanBefore(string? agreed, string? lowest, string? expected) =>
        Assert.Equal(expected, VersionMonitor.Decide(agreed, lowest is null ? null : Version.Parse(lowest)));

    [Theory]
    [InlineData("true", true)]
    [InlineData("false", false)]
    [InlineData(null, false)]
    public void ALeaderIsRequiredByMetadata(string? value, bool expected) =>
        Assert.Equal(expected, CallAdmission.IsLeaderRequired(value is null ? StringValues.Empty : new StringValues(value)));

    /// <summary>A resolver that knows h1, also under another name, and h2.</summary>
    private static UrlComparison Urls { get; } = new(
        (name, _) => name switch
        {
            "h1" or "also-h1" => Task.FromResult<System.Net.IPAddress[]>([System.Net.IPAddress.Parse("10.0.0.1")]),
            "h2" => Task.FromResult<System.Net.IPAddress[]>([System.Net.IPAddress.Parse("10.0.0.2")]),
            _ => throw new InvalidOperationException($"nobody is to ask for {name}"),
        },
        TimeProvider.System,
        Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);

    private static Task<IReadOnlyList<Member>> AssignAsync(InitialCluster named, PeerMembers existing) =>
        ClusterBirth.AssignIdsAsync(named, existing, Urls, TestContext.Current.CancellationToken);

    private static PeerMembers Existing(params (ulong Id, string[] Urls, bool IsLearner)[] members) => new(
        0xabc, [.. members.Select(m => new Member(new MemberId(m.Id), m.Urls, m.IsLearner, "", []))]);

    private static ServerOptions Parse(params string[] flags) => ServerFlags.Parse(flags, NoEnvironment).Options;
}
