using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;

namespace Etcd.Server.Tests.Api;

/// <summary>Goal: how a Watch call begins and ends on the wire. Method: a whole member, calls by hand.</summary>
public sealed class WatchCallTests
{
    [Fact]
    public async Task AClientWithoutFurtherRequestsKeepsItsWatches()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        var create = new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("k") } };

        using HttpResponseMessage answer = await host.CallAsync("/etcdserverpb.Watch/Watch", create.ToByteArray());
        await using Stream responses = await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        Assert.True(WatchResponse.Parser.ParseFrom(await ApiHost.ReadAsync(responses)).Created);
        using HttpResponseMessage put = await host.CallAsync(
            "/etcdserverpb.KV/Put", new PutRequest { Key = ByteString.CopyFromUtf8("k") }.ToByteArray());

        WatchResponse next = WatchResponse.Parser.ParseFrom(await ApiHost.ReadAsync(responses));
        Assert.Equal("k", Assert.Single(next.Events).Kv.Key.ToStringUtf8());
    }
}
