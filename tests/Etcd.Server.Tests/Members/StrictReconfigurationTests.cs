using Etcd.Protocol.Errors;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Primitives;

namespace Etcd.Server.Tests.Members;

/// <summary>
/// Which changes could cost the quorum. A cluster is written as a word, a letter for each member: S a voter that has started and is
/// connected, the first one this member itself; D one that is down; N one that has never started; L a learner.
/// </summary>
public sealed class StrictReconfigurationTests
{
    [Theory]
    [InlineData("S", null)]
    [InlineData("SN", "etcdserver: re-configuration failed due to not enough started members")]
    [InlineData("SS", null)]
    [InlineData("SD", "etcdserver: unhealthy cluster")]
    [InlineData("SSS", null)]
    [InlineData("SSN", "etcdserver: re-configuration failed due to not enough started members")]
    [InlineData("SSD", "etcdserver: unhealthy cluster")]
    [InlineData("SSSD", null)] // 3.6.11: one is down, but the quorum of five is reached without it.
    [InlineData("SSSSD", null)]
    [InlineData("SSSDD", "etcdserver: unhealthy cluster")]
    [InlineData("SSSNN", "etcdserver: re-configuration failed due to not enough started members")]
    [InlineData("SSSL", null)]
    public void AVoterIsAdded(string cluster, string? refusal) => Assert.Equal(refusal, Of(cluster).CheckAdd(isLearner: false)?.Text);

    [Theory]
    [InlineData("S", null)]
    [InlineData("SN", "etcdserver: unhealthy cluster")]
    [InlineData("SSN", "etcdserver: unhealthy cluster")]
    [InlineData("SSS", null)]
    public void ALearnerIsAdded(string cluster, string? refusal) => Assert.Equal(refusal, Of(cluster).CheckAdd(isLearner: true)?.Text);

    [Theory]
    [InlineData("S", 1, "etcdserver: re-configuration failed due to not enough started members")]
    [InlineData("SS", 2, null)]
    [InlineData("SN", 2, null)]
    [InlineData("SN", 1, "etcdserver: re-configuration failed due to not enough started members")]
    [InlineData("SSS", 3, null)]
    [InlineData("SSD", 3, null)] // What is down is missed by nobody.
    [InlineData("SSD", 2, "etcdserver: unhealthy cluster")]
    [InlineData("SSN", 2, "etcdserver: re-configuration failed due to not enough started members")]
    [InlineData("SSSL", 4, null)]
    [InlineData("SSDL", 4, null)]
    [InlineData("SSS", 9, null)] // One that nobody knows is refused where the change is applied.
    public void AMemberIsRemoved(string cluster, int member, string? refusal)
    {
        bool isActive = member <= cluster.Length && cluster[member - 1] == 'S';
        Assert.Equal(refusal, Of(cluster).CheckRemove(new MemberId((ulong)member), isActive)?.Text);
    }

    [Theory]
    [InlineData("SL", null)]
    [InlineData("SNL", null)]
    [InlineData("SNNL", "etcdserver: re-configuration failed due to not enough started members")]
    [InlineData("SSNNL", null)]
    public void ALearnerIsPromoted(string cluster, string? refusal) => Assert.Equal(refusal, Of(cluster).CheckPromote()?.Text);

    [Fact]
    public void TheWireCodeOfNotEnoughStartedMembersIsUnknown() =>
        Assert.Equal(Grpc.Core.StatusCode.Unknown, EtcdErrors.MemberNotEnoughStarted.WireCode);

    private static StrictReconfiguration Of(string cluster)
    {
        Member[] members = [.. cluster.Select((kind, i) => new Member(
            new MemberId((ulong)i + 1), [$"http://m{i}:1"], IsLearner: kind == 'L', kind == 'N' ? "" : $"m{i}", ClientUrls: []))];
        return new StrictReconfiguration(new MemberId(1), members, id => cluster[(int)id.Value - 1] is 'S' or 'L');
    }
}
