namespace Etcd.Server.Tests.Api;

/// <summary>
/// Goal: bytes that are no request end their call as a grpc-go server ends it, whether objects are made of requests or not,
/// and nothing of them reaches the log. Method: broken bytes to each method of a whole member.
/// </summary>
public sealed class MalformedRequestTests
{
    private static readonly byte[] KeyLongerThanTheMessage = [0x0a, 0x7f, (byte)'a'];

    // A success operation whose put is cut off: well-formed on the outside.
    private static readonly byte[] BrokenInside = [0x12, 0x04, 0x12, 0x02, 0x0a, 0x7f];

    public static TheoryData<string, byte[]> Calls => new()
    {
        { "/etcdserverpb.KV/Range", KeyLongerThanTheMessage },
        { "/etcdserverpb.KV/RangeStream", KeyLongerThanTheMessage },
        { "/etcdserverpb.KV/Put", KeyLongerThanTheMessage },
        { "/etcdserverpb.KV/DeleteRange", KeyLongerThanTheMessage },
        { "/etcdserverpb.KV/Txn", KeyLongerThanTheMessage },
        { "/etcdserverpb.KV/Txn", BrokenInside },
        { "/etcdserverpb.KV/Compact", [0x08] },
        { "/etcdserverpb.Lease/LeaseGrant", [0x08] },
        { "/etcdserverpb.Watch/Watch", KeyLongerThanTheMessage },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task BytesThatAreNoRequestAreInternalAndTheMemberGoesOn(string method, byte[] request)
    {
        await using ApiHost host = await ApiHost.StartAsync();

        using HttpResponseMessage answer = await host.CallAsync(method, request);
        await answer.Content.LoadIntoBufferAsync(TestContext.Current.CancellationToken);

        Assert.Equal("13", Status(answer, "grpc-status"));
        Assert.StartsWith("grpc: error unmarshalling request: ", Status(answer, "grpc-message"), StringComparison.Ordinal);
        using HttpResponseMessage next = await host.CallAsync("/etcdserverpb.KV/Put", [0x0a, 0x01, (byte)'k']);
        await next.Content.LoadIntoBufferAsync(TestContext.Current.CancellationToken);
        Assert.Equal("0", Status(next, "grpc-status"));
    }

    // An answer without messages has its trailers as headers.
    private static string? Status(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out IEnumerable<string>? values) || answer.TrailingHeaders.TryGetValues(name, out values)
            ? values.Single()
            : null;
}
