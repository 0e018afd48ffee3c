using System.IO.Compression;
using System.Text;
using Grpc.Core;

namespace Etcd.Grpc.Tests.Client;

/// <summary>Goal: gzip works both ways and cannot be used to get round the limits.</summary>
public sealed class CompressionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Compressed_and_plain_responses_may_be_mixed()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.StartGrpc();
            context.Response.Headers["grpc-encoding"] = "gzip";
            await context.Response.Body.WriteAsync(Wire.Frame(Gzip(Encoding.UTF8.GetBytes(new string('a', 100_000))), flag: 1));
            await context.WriteMessageAsync("plain");
            await context.Response.Body.WriteAsync(Wire.Frame(Gzip([]), flag: 1));
            context.EndGrpc();
        });
        using var channel = server.Connect();
        using var call = channel.CallServerStreaming("x");

        Assert.Equal([new string('a', 100_000), "plain", ""], await call.ResponseStream.ReadAllAsync(Token).ToListAsync(Token));
    }

    [Fact]
    public async Task A_small_message_that_inflates_beyond_the_limit_is_ResourceExhausted()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.StartGrpc();
            context.Response.Headers["grpc-encoding"] = "gzip";
            await context.Response.Body.WriteAsync(Wire.Frame(Gzip(new byte[64 << 20]), flag: 1));
            context.EndGrpc();
        });
        using var channel = server.Connect();

        Assert.Equal(StatusCode.ResourceExhausted, (await TextService.FailsAsync(channel.CallUnary("x").ResponseAsync)).StatusCode);
    }

    [Theory]
    [InlineData("br", StatusCode.Unimplemented)]
    [InlineData("identity", StatusCode.Internal)]
    [InlineData(null, StatusCode.Internal)]
    [InlineData("gzip", StatusCode.Internal)]
    public async Task A_compressed_message_that_cannot_be_read_fails(string? encoding, StatusCode expected)
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.StartGrpc();
            if (encoding is not null)
                context.Response.Headers["grpc-encoding"] = encoding;
            await context.Response.Body.WriteAsync(Wire.Frame("this is no gzip"u8.ToArray(), flag: 1));
            context.EndGrpc();
        });
        using var channel = server.Connect();

        Assert.Equal(expected, (await TextService.FailsAsync(channel.CallUnary("x").ResponseAsync)).StatusCode);
    }

    [Fact]
    public async Task Requests_are_compressed_where_the_call_asks_for_it_but_for_those_that_opt_out()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            var seen = new List<string> { context.Request.Headers["grpc-encoding"].ToString() };
            while (await context.ReadMessageAsync() is { } message)
                seen.Add($"{message.Flag}:{Encoding.UTF8.GetString(message.Flag == 1 ? Gunzip(message.Payload) : message.Payload)}");
            await context.AnswerAsync(string.Join(' ', seen));
        });
        using var channel = server.Connect();

        using var call = channel.CallClientStreaming(new CallOptions(new Metadata { { "grpc-internal-encoding-request", "gzip" } }));
        await call.RequestStream.WriteAsync("one", Token);
        call.RequestStream.WriteOptions = new WriteOptions(WriteFlags.NoCompress);
        await call.RequestStream.WriteAsync("two", Token);
        await call.RequestStream.CompleteAsync();

        Assert.Equal("gzip 1:one 0:two", await call);
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(bytes);
        return target.ToArray();
    }

    private static byte[] Gunzip(byte[] bytes)
    {
        using var gzip = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
        using var target = new MemoryStream();
        gzip.CopyTo(target);
        return target.ToArray();
    }
}
