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
    [InlineData("--initial-cluster has default=http://x:1 but missing from --initial-advertise-peer-urls=http://localhost:2380", "--initial-cluster", "default=http://x:1")]
    [InlineData("--initial-advertise-peer-urls has default=http://y:1 but missing from --initial-cluster=default=http://x:1", "--initial-cluster", "default=http://x:1", "--initial-advertise-peer-urls", "http://x:1,http://y:1")]
    [InlineData("initial cluster b=http://localhost:2380,default=http://localhost:2380 has duplicate url", "--initial-cluster", "default=http://localhost:2380,b=http://localhost:2380")]
    public void FlagsThatDoNotGoTogetherAreRefusedAtANewStart(string expected, params string[] flags) =>
        Assert.Equal(expected, Assert.Throws<ClusterStartException>(() => ClusterBirth.New(Parse(flags))).Message);

    [Fact]
    public void MembersAreToldByTheirUrlsWhateverTheirOrder()
    {
        InitialCluster named = InitialCluster.Of(Parse("--initial-cluster", "a=http://h1:1,b=http://h2:2,b=http://h2:1"));
        IReadOnlyList<Member> members = ClusterBirth.AssignIds(named, Existing(
            (7, ["http://h2:2", "http://h2:1"], false), (9, ["http://h1:1"], true)));
        Assert.Equal([("b", 7ul, false), ("a", 9ul, true)], members.Select(m => (m.Name, m.Id.Value, m.IsLearner)));
    }

    [Theory]
    [InlineData("member count is unequal", "a=http://h1:1")]
    [InlineData("PeerURLs: no match found for existing member (9, [http://h1:1])", "a=http://h1:2,b=http://h2:1")]
    public void FlagsAndClusterMustNameTheSame(string expected, string initialCluster)
    {
        InitialCluster named = InitialCluster.Of(Parse("--initial-cluster", initialCluster));
        PeerMembers existing = Existing((7, ["http://h2:1"], false), (9, ["http://h1:1"], false));
        string message = Assert.Throws<ClusterStartException>(() => ClusterBirth.AssignIds(named, existing)).Message;
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

    private static PeerMembers Existing(params (ulong Id, string[] Urls, bool IsLearner)[] members) => new(
        0xabc, [.. members.Select(m => new Member(new MemberId(m.Id), m.Urls, m.IsLearner, "", []))]);

    private static ServerOptions Parse(params string[] flags) => ServerFlags.Parse(flags, NoEnvironment).Options;
}
