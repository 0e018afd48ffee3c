using System.Globalization;
using Etcd.Protocol.Etcdserverpb;
using Etcd.TestKit.Processes;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.Streams;

/// <summary>
/// Goal: RangeStream, which 3.5 does not have, gives in pieces what Range gives at once; checked against Range of the same
/// member, which the comparison checks against etcd.
/// </summary>
public sealed class RangeStreamTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_pieces_joined_are_what_Range_answers()
    {
        await using ServerProcess server = await ServerProcess.StartAsync(ServerProgram.Ours, ["--max-request-bytes=20000"], Token);
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        var kv = new KV.KVClient(channel);
        for (int i = 0; i < 200; i++)
        {
            await kv.PutAsync(new PutRequest { Key = Utf8($"k{i:D3}"), Value = Utf8(new string('v', i * 5)) }, cancellationToken: Token);
        }

        await kv.CompactAsync(new CompactionRequest { Revision = 20 }, cancellationToken: Token);
        RangeRequest[] requests =
        [
            new(), new() { Limit = 1 }, new() { Limit = 10 }, new() { Limit = 11 }, new() { Limit = 199 }, new() { Limit = 200 }, new() { Limit = 201 },
            new() { Revision = 100 }, new() { Revision = 100, Limit = 50 }, new() { KeysOnly = true }, new() { CountOnly = true }, new() { Serializable = true },
            new() { SortTarget = RangeRequest.Types.SortTarget.Key, SortOrder = RangeRequest.Types.SortOrder.Ascend },
        ];
        foreach (RangeRequest request in requests)
        {
            (request.Key, request.RangeEnd) = (Utf8("k"), Utf8("l"));
            RangeResponse whole = await kv.RangeAsync(request, cancellationToken: Token);
            List<RangeResponse> pieces = await StreamAsync(kv, request);

            Assert.All(pieces.SkipLast(1), p => Assert.True(p.Header is null && !p.More && p.Count == 0 && p.Kvs.Count > 0, p.ToString()));
            var joined = new RangeResponse { Header = pieces[^1].Header, More = pieces[^1].More, Count = pieces[^1].Count };
            joined.Kvs.AddRange(pieces.SelectMany(p => p.Kvs));
            Assert.Equal(whole, joined);
        }

        Assert.Single(await StreamAsync(kv, requests[10]));
        Assert.Equal(10, (await StreamAsync(kv, requests[0]))[0].Kvs.Count);
    }

    [Fact]
    public async Task A_single_key_and_a_missing_one_come_in_one_piece()
    {
        await using ServerProcess server = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        var kv = new KV.KVClient(channel);
        await kv.PutAsync(new PutRequest { Key = Utf8("k"), Value = Utf8("v") }, cancellationToken: Token);

        foreach (string key in new[] { "k", "absent" })
        {
            var request = new RangeRequest { Key = Utf8(key) };
            Assert.Equal(await kv.RangeAsync(request, cancellationToken: Token), Assert.Single(await StreamAsync(kv, request)));
        }
    }

    [Theory]
    [InlineData("order", StatusCode.Unimplemented, "RangeStream does not support custom sort orders")]
    [InlineData("target", StatusCode.Unimplemented, "RangeStream does not support custom sort orders")]
    [InlineData("min-mod", StatusCode.Unimplemented, "RangeStream does not support revision filters")]
    [InlineData("max-create", StatusCode.Unimplemented, "RangeStream does not support revision filters")]
    [InlineData("empty", StatusCode.InvalidArgument, "etcdserver: key is not provided")]
    [InlineData("invalid", StatusCode.InvalidArgument, "etcdserver: invalid sort option")]
    [InlineData("future", StatusCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision")]
    [InlineData("compacted", StatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted")]
    public async Task What_it_cannot_do_is_refused_with_37s_text(string what, StatusCode code, string text)
    {
        await using ServerProcess server = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        var kv = new KV.KVClient(channel);
        await kv.PutAsync(new PutRequest { Key = Utf8("k") }, cancellationToken: Token);
        await kv.PutAsync(new PutRequest { Key = Utf8("k") }, cancellationToken: Token);
        await kv.CompactAsync(new CompactionRequest { Revision = 3 }, cancellationToken: Token);
        var request = new RangeRequest { Key = Utf8("k"), RangeEnd = Utf8("l") };
        switch (what)
        {
            case "order": request.SortOrder = RangeRequest.Types.SortOrder.Descend; break;
            case "target": (request.SortTarget, request.SortOrder) = (RangeRequest.Types.SortTarget.Mod, RangeRequest.Types.SortOrder.Ascend); break;
            case "min-mod": request.MinModRevision = 1; break;
            case "max-create": request.MaxCreateRevision = 1; break;
            case "empty": request.Key = ByteString.Empty; break;
            case "invalid": request.SortTarget = (RangeRequest.Types.SortTarget)9; break;
            case "future": request.Revision = 99; break;
            case "compacted": request.Revision = 2; break;
            default: throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"no such case: {what}"), nameof(what));
        }

        RpcException failure = await Assert.ThrowsAsync<RpcException>(() => StreamAsync(kv, request));

        Assert.Equal(code, failure.StatusCode);
        Assert.Equal(text, failure.Status.Detail);
    }

    [Fact]
    public async Task All_pieces_are_of_the_revision_at_which_the_stream_began()
    {
        await using ServerProcess server = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        var kv = new KV.KVClient(channel);
        ByteString large = Utf8(new string('v', 100_000));
        for (int i = 0; i < 100; i++)
        {
            await kv.PutAsync(new PutRequest { Key = Utf8($"k{i:D3}"), Value = large }, cancellationToken: Token);
        }

        using AsyncServerStreamingCall<RangeStreamResponse> call = kv.RangeStream(new RangeRequest { Key = Utf8("k"), RangeEnd = Utf8("l") }, cancellationToken: Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));
        await kv.DeleteRangeAsync(new DeleteRangeRequest { Key = Utf8("k"), RangeEnd = Utf8("l") }, cancellationToken: Token);
        List<RangeResponse> pieces = [call.ResponseStream.Current.RangeResponse];
        while (await call.ResponseStream.MoveNext(Token))
        {
            pieces.Add(call.ResponseStream.Current.RangeResponse);
        }

        Assert.True(pieces.Count > 1);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"k{i:D3}"), pieces.SelectMany(p => p.Kvs).Select(p => p.Key.ToStringUtf8()));
        Assert.Equal(101, pieces[^1].Header.Revision);
        Assert.Equal(100, pieces[^1].Count);
    }

    private static async Task<List<RangeResponse>> StreamAsync(KV.KVClient kv, RangeRequest request)
    {
        using AsyncServerStreamingCall<RangeStreamResponse> call = kv.RangeStream(request, cancellationToken: Token);
        var pieces = new List<RangeResponse>();
        while (await call.ResponseStream.MoveNext(Token))
        {
            pieces.Add(call.ResponseStream.Current.RangeResponse);
        }

        return pieces;
    }

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);
}
