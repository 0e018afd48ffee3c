using System.Text;
using System.Text.Json;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;

namespace Etcd.Server.Tests.Membership;

/// <summary>Ids and the JSON of members, against values that the original etcd computes and writes.</summary>
public sealed class ClusterIdsTests
{
    [Fact]
    public void TheDefaultMemberHasTheIdsThatEtcdGivesIt()
    {
        MemberId id = ClusterIds.ForMember(["http://localhost:2380"], "etcd-cluster");
        Assert.Equal("8e9e05c52164694d", id.ToString());
        Assert.Equal(0xcdf818194e3a8c32UL, ClusterIds.ForCluster([id]));
    }

    [Fact]
    public void TheOrderOfUrlsAndMembersDoesNotMatter()
    {
        Assert.Equal(
            ClusterIds.ForMember(["http://a:1", "http://b:2"], "t"),
            ClusterIds.ForMember(["http://b:2", "http://a:1"], "t"));
        Assert.Equal(
            ClusterIds.ForCluster([new MemberId(1), new MemberId(ulong.MaxValue)]),
            ClusterIds.ForCluster([new MemberId(ulong.MaxValue), new MemberId(1)]));
    }

    [Fact]
    public void AMemberThatIsAddedLaterGetsAnotherId()
    {
        MemberId first = ClusterIds.ForMember(["http://a:1"], "t");
        Assert.NotEqual(first, ClusterIds.ForMember(["http://a:1"], "t", DateTimeOffset.UnixEpoch.AddSeconds(5)));
        Assert.NotEqual(first, ClusterIds.ForMember(["http://a:1"], "u"));
    }

    [Fact]
    public void AMemberIsWrittenAsEtcdWritesIt()
    {
        var member = new Member(new MemberId(10276657743932975437), ["http://localhost:2380"], IsLearner: false, "default", []);
        byte[] json = MemberJson.Encode(member);
        Assert.Equal(
            """{"id":10276657743932975437,"peerURLs":["http://localhost:2380"],"name":"default"}""", Encoding.UTF8.GetString(json));
        Member read = MemberJson.Decode(json);
        Assert.Equal((member.Id, "default", false), (read.Id, read.Name, read.IsLearner));
        Assert.Equal(member.PeerUrls, read.PeerUrls);
        Assert.Empty(read.ClientUrls);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"id":"8e9e05c52164694d"}""")]
    [InlineData("""{"id":-1}""")]
    public void WhatIsNoMemberIsRefused(string json) =>
        Assert.ThrowsAny<JsonException>(() => MemberJson.Decode(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void AttributesOfSomeoneWhoIsNoMemberChangeNothing()
    {
        var cluster = new ClusterState(1);
        cluster.SetAttributes(new MemberId(5), "ghost", ["http://x:1"]);
        Assert.Empty(cluster.Current.Members);
    }
}
