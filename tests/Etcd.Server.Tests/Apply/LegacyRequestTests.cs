using System.Text;
using Etcd.Server.Apply;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;

namespace Etcd.Server.Tests.Apply;

/// <summary>Goal: what members of etcd 3.5 write into the log about themselves is understood. Method: bytes as they write them.</summary>
public sealed class LegacyRequestTests
{
    private readonly ClusterState _cluster = new(7);

    public LegacyRequestTests() => _cluster.Put(new Member(new MemberId(0x8e9e05c52164694d), ["http://h:2380"], IsLearner: true, "", []));

    [Fact]
    public void AMembersAttributesAndTheVersionAreTaken()
    {
        byte[] attributes = Request("PUT", "/0/members/8e9e05c52164694d/attributes", """{"name":"a","clientURLs":["http://h:2379"]}""");
        CommandReader command = CommandReader.Read(attributes);
        Assert.Equal((0x1234UL, LegacyRequest.MethodField), (command.RequestId, command.Field));
        LegacyRequest.Apply(command.Payload.Span, _cluster);
        Member member = Assert.Single(_cluster.Current.Members);
        Assert.Equal(("a", "http://h:2379", true), (member.Name, Assert.Single(member.ClientUrls), member.IsLearner));

        LegacyRequest.Apply(Request("PUT", "/0/version", "3.5.0"), _cluster);
        Assert.Equal("3.5.0", _cluster.Current.Version);
    }

    [Theory]
    [InlineData("SYNC", "", "")]
    [InlineData("DELETE", "/0/version", "")]
    [InlineData("PUT", "/1/key", "value")]
    [InlineData("PUT", "/0/members/x/attributes", "{}")]
    [InlineData("PUT", "/0/members/1/attributes", """{"name":"nobody"}""")]
    public void NothingElseIsOfAnyEffect(string method, string path, string value)
    {
        ClusterState.Snapshot before = _cluster.Current;
        LegacyRequest.Apply(Request(method, path, value), _cluster);
        Assert.Same(before, _cluster.Current);
    }

    /// <summary>As Go writes it: all fields, those that are empty too, but for one that may be absent.</summary>
    private static byte[] Request(string method, string path, string value) =>
    [
        0x08, 0xb4, 0x24, .. Text(0x12, method), .. Text(0x1a, path), .. Text(0x22, value), 0x28, 0, .. Text(0x32, ""), 0x38, 0,
        0x48, 0, 0x50, 0, 0x58, 0, 0x60, 0, 0x68, 0, 0x70, 0, 0x78, 0, 0x80, 1, 0,
    ];

    private static byte[] Text(byte tag, string text) => [tag, (byte)text.Length, .. Encoding.UTF8.GetBytes(text)];
}
