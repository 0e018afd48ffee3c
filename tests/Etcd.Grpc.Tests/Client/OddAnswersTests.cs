using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Etcd.Grpc.Tests.Client;

/// <summary>Goal: whatever a server answers becomes the right status. Method: answers made by hand, one case each.</summary>
public sealed class OddAnswersTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Trailers_only_gives_status_message_and_trailers()
    {
        var failure = await CallAsync(context =>
        {
            context.StartGrpc();
            context.Response.Headers["grpc-status"] = "11";
            context.Response.Headers["grpc-message"] = "etcdserver: mvcc: required revision has been compacted";
            context.Response.Headers["extra"] = "yes";
            return Task.CompletedTask;
        });

        Assert.Equal(StatusCode.OutOfRange, failure.StatusCode);
        Assert.Equal("etcdserver: mvcc: required revision has been compacted", failure.Status.Detail);
        Assert.Equal("yes", failure.Trailers.GetValue("extra"));
    }

    [Fact]
    public async Task Trailers_only_gives_the_response_headers_too()
    {
        await using var server = await OddServer.StartAsync(context =>
        {
            context.StartGrpc();
            context.Response.Headers["grpc-status"] = "5";
            context.Response.Headers["extra"] = "yes";
            return Task.CompletedTask;
        });
        using var channel = server.Connect();
        using var call = channel.CallServerStreaming("x");

        var headers = await call.ResponseHeadersAsync;

        Assert.Equal("yes", headers.GetValue("extra"));
        Assert.Equal(StatusCode.NotFound, call.GetStatus().StatusCode);
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a%20b%25", "a b%")]
    [InlineData("%E2%82%AC", "€")]
    [InlineData("50% of %zz and %4", "50% of %zz and %4")]
    [InlineData("%F0%9F%98%80x", "😀x")]
    public async Task A_message_is_percent_decoded(string sent, string expected)
    {
        var failure = await CallAsync(async context =>
        {
            context.StartGrpc();
            await context.Response.StartAsync();
            context.EndGrpc(3, sent);
        });

        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.Equal(expected, failure.Status.Detail);
    }

    [Theory]
    [InlineData("17")]
    [InlineData("-1")]
    [InlineData("ok")]
    public async Task An_unknown_status_code_is_Unknown(string code)
    {
        var failure = await CallAsync(context =>
        {
            context.StartGrpc();
            context.Response.Headers["grpc-status"] = code;
            return Task.CompletedTask;
        });

        Assert.Equal(StatusCode.Unknown, failure.StatusCode);
    }

    [Fact]
    public async Task Missing_trailers_are_no_success()
    {
        var failure = await CallAsync(async context =>
        {
            context.StartGrpc();
            await context.WriteMessageAsync("half an answer");
        });

        Assert.Equal(StatusCode.Cancelled, failure.StatusCode);
        Assert.Equal("No grpc-status found on response.", failure.Status.Detail);
    }

    [Fact]
    public async Task An_error_after_a_message_is_an_error()
    {
        var failure = await CallAsync(async context =>
        {
            context.StartGrpc();
            await context.WriteMessageAsync("answer");
            context.EndGrpc(10, "lost");
        });

        Assert.Equal(StatusCode.Aborted, failure.StatusCode);
        Assert.Equal("lost", failure.Status.Detail);
    }

    [Fact]
    public async Task OK_without_a_message_is_Internal()
    {
        var failure = await CallAsync(async context =>
        {
            context.StartGrpc();
            await context.Response.StartAsync();
            context.EndGrpc();
        });

        Assert.Equal(StatusCode.Internal, failure.StatusCode);
    }

    [Fact]
    public async Task Two_messages_to_a_unary_call_are_Internal()
    {
        var failure = await CallAsync(async context =>
        {
            context.StartGrpc();
            await context.WriteMessageAsync("one");
            await context.WriteMessageAsync("two");
            context.EndGrpc();
        });

        Assert.Equal(StatusCode.Internal, failure.StatusCode);
    }

    [Theory]
    [InlineData(400, StatusCode.Internal)]
    [InlineData(401, StatusCode.Unauthenticated)]
    [InlineData(403, StatusCode.PermissionDenied)]
    [InlineData(404, StatusCode.Unimplemented)]
    [InlineData(429, StatusCode.Unavailable)]
    [InlineData(502, StatusCode.Unavailable)]
    [InlineData(503, StatusCode.Unavailable)]
    [InlineData(504, StatusCode.Unavailable)]
    [InlineData(418, StatusCode.Unknown)]
    public async Task An_HTTP_status_without_a_gRPC_status_is_mapped(int status, StatusCode expected)
    {
        var failure = await CallAsync(context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync("sorry");
        });

        Assert.Equal(expected, failure.StatusCode);
        Assert.Equal($"Bad gRPC response. HTTP status code: {status}", failure.Status.Detail);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("text/html")]
    [InlineData("application/grpcfoo")]
    public async Task Another_content_type_is_no_gRPC(string? contentType)
    {
        var failure = await CallAsync(context =>
        {
            context.Response.ContentType = contentType;
            return context.Response.Body.WriteAsync("<html>"u8.ToArray()).AsTask();
        });

        Assert.Equal(StatusCode.Cancelled, failure.StatusCode);
        Assert.StartsWith("Bad gRPC response.", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/grpc+proto")]
    [InlineData("application/grpc; charset=utf-8")]
    public async Task A_content_type_with_a_suffix_is_gRPC(string contentType)
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.Response.ContentType = contentType;
            await context.WriteMessageAsync("fine");
            context.EndGrpc();
        });
        using var channel = server.Connect();

        Assert.Equal("fine", await channel.CallUnary("x"));
    }

    [Fact]
    public async Task Messages_that_arrive_byte_by_byte_are_whole()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.StartGrpc();
            foreach (var text in (string[])["first", "", "second"])
                foreach (var part in Wire.Frame(System.Text.Encoding.UTF8.GetBytes(text)))
                {
                    await context.Response.Body.WriteAsync(new[] { part });
                    await context.Response.Body.FlushAsync();
                }

            context.EndGrpc();
        });
        using var channel = server.Connect();
        using var call = channel.CallServerStreaming("x");

        Assert.Equal(["first", "", "second"], await call.ResponseStream.ReadAllAsync(Token).ToListAsync(Token));
    }

    [Fact]
    public async Task A_body_that_ends_inside_a_message_is_Internal()
    {
        var failure = await CallAsync(async context =>
        {
            context.StartGrpc();
            await context.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 0, 9, 1 });
            context.EndGrpc();
        });

        Assert.Equal(StatusCode.Internal, failure.StatusCode);
    }

    [Fact]
    public async Task A_message_over_the_limit_is_ResourceExhausted_and_one_at_the_limit_is_not()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            var length = int.Parse((await context.ReadTextAsync())!, System.Globalization.CultureInfo.InvariantCulture);
            await context.AnswerAsync(new string('x', length));
        });
        using var channel = server.Connect(options => options.MaxReceiveMessageSize = 1000);

        Assert.Equal(1000, (await channel.CallUnary("1000")).Length);
        var failure = await TextService.FailsAsync(channel.CallUnary("1001").ResponseAsync);

        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Equal("Received message exceeds the maximum configured message size.", failure.Status.Detail);
    }

    [Fact]
    public async Task The_default_limit_is_4_MiB()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.StartGrpc();
            await context.Response.Body.WriteAsync(new byte[] { 0, 0, 0x40, 0, 1 });
            context.EndGrpc();
        });
        using var channel = server.Connect();

        Assert.Equal(StatusCode.ResourceExhausted, (await TextService.FailsAsync(channel.CallUnary("x").ResponseAsync)).StatusCode);
    }

    [Theory]
    [InlineData(0x7, StatusCode.Unavailable)]
    [InlineData(0x8, StatusCode.Cancelled)]
    [InlineData(0xb, StatusCode.ResourceExhausted)]
    [InlineData(0xc, StatusCode.PermissionDenied)]
    [InlineData(0x2, StatusCode.Internal)]
    public async Task A_reset_stream_gives_the_status_of_its_error_code(int errorCode, StatusCode expected)
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.StartGrpc();
            await context.WriteMessageAsync("one");
            await context.Response.Body.FlushAsync();
            context.Features.Get<IHttpResetFeature>()!.Reset(errorCode);
        });
        using var channel = server.Connect();
        using var call = channel.CallServerStreaming("x");

        var failure = await TextService.FailsAsync(ReadToEndAsync(call.ResponseStream));

        Assert.Equal(expected, failure.StatusCode);
        Assert.Equal(expected, call.GetStatus().StatusCode);
    }

    private static async Task ReadToEndAsync(IAsyncStreamReader<string> stream)
    {
        while (await stream.MoveNext(Token))
        {
        }
    }

    private static async Task<RpcException> CallAsync(RequestDelegate answer)
    {
        await using var server = await OddServer.StartAsync(answer);
        using var channel = server.Connect();
        using var call = channel.CallUnary("x");
        var failure = await TextService.FailsAsync(call.ResponseAsync);
        Assert.Equal(failure.Status, call.GetStatus());
        return failure;
    }
}
