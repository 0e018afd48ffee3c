using System.Text;
using Grpc.Core;

namespace Etcd.Grpc.Tests.Server;

/// <summary>Unary calls over the wire: what a handler returns, throws and sets arrives as gRPC says.</summary>
public sealed class UnaryCallTests
{
    private static readonly byte[] Hello = "hello"u8.ToArray();

    [Theory]
    [InlineData("Unary")]
    [InlineData("Unsized")]
    [InlineData("Array")]
    public async Task A_message_goes_through_each_kind_of_marshaller(string method)
    {
        await using var host = await TestHost.StartAsync();
        host.Service.Unary = (request, _) => Task.FromResult(new Blob([.. request.Bytes, .. "!"u8]));

        var reply = await host.CallAsync(method, Hello);

        Assert.Equal("0", reply.Status);
        Assert.Null(reply.RawMessage);
        Assert.Equal("hello!", Encoding.UTF8.GetString(Assert.Single(reply.Messages).Bytes));
        Assert.Equal("application/grpc", reply.Http.Content.Headers.ContentType!.ToString());
        Assert.False(reply.IsTrailersOnly);
    }

    [Fact]
    public async Task An_empty_message_is_a_message()
    {
        await using var host = await TestHost.StartAsync();

        var reply = await host.CallAsync("Unary", []);

        Assert.Equal("0", reply.Status);
        Assert.Empty(Assert.Single(reply.Messages).Bytes);
    }

    [Fact]
    public async Task A_handler_that_waits_is_answered_when_it_is_done()
    {
        await using var host = await TestHost.StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Service.Unary = async (request, _) =>
        {
            await gate.Task;
            return request;
        };

        var call = host.CallAsync("Unary", Hello);
        Assert.False(call.IsCompleted);
        gate.SetResult();

        Assert.Equal(Hello, Assert.Single((await call).Messages).Bytes);
    }

    [Fact]
    public async Task Ten_mebibytes_go_both_ways()
    {
        await using var host = await TestHost.StartAsync(options => options.MaxReceiveMessageSize = null);
        var message = new byte[10 * 1024 * 1024];
        new Random(1).NextBytes(message);

        foreach (var method in (string[])["Unary", "Unsized", "Array"])
        {
            var reply = await host.CallAsync(method, message);

            Assert.Equal("0", reply.Status);
            Assert.Equal(message, Assert.Single(reply.Messages).Bytes);
        }
    }

    [Fact]
    public async Task An_RpcException_is_a_trailers_only_answer_with_its_status_and_trailers()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.Unary = (_, context) =>
        {
            context.ResponseTrailers.Add("from-context", "1");
            throw new RpcException(
                new Status(StatusCode.FailedPrecondition, "etcdserver: not leader"),
                new Metadata { { "from-exception", "2" }, { "raw-bin", [0, 1, 254, 255] } });
        };

        var reply = await host.CallAsync("Unary", Hello);

        Assert.True(reply.IsTrailersOnly);
        Assert.Equal("9", reply.Status);
        Assert.Equal("etcdserver: not leader", reply.RawMessage);
        Assert.Equal("1", reply.Header("from-context"));
        Assert.Equal("2", reply.Header("from-exception"));
        Assert.Equal("AAH+/w", reply.Header("raw-bin"));
        Assert.Empty(reply.Messages);
    }

    [Theory]
    [InlineData("50% of \"x\"\r\n", "50%25 of \"x\"%0D%0A")]
    [InlineData("größer ∞ 😀", "gr%C3%B6%C3%9Fer %E2%88%9E %F0%9F%98%80")]
    [InlineData("plain ~ text", "plain ~ text")]
    [InlineData("\u007f\u0001", "%7F%01")]
    public async Task The_status_text_is_percent_encoded(string text, string onTheWire)
    {
        await using var host = await TestHost.StartAsync();
        host.Service.Unary = (_, _) => throw new RpcException(new Status(StatusCode.Aborted, text));

        var reply = await host.CallAsync("Unary", Hello);

        Assert.Equal("10", reply.Status);
        Assert.Equal(onTheWire, reply.RawMessage);
    }

    [Fact]
    public async Task Another_exception_is_Unknown_without_details_and_is_logged()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.Unary = (_, _) => throw new InvalidOperationException("secret");

        var reply = await host.CallAsync("Unary", Hello);

        Assert.Equal("2", reply.Status);
        Assert.Equal("Exception was thrown by handler.", reply.Message);
        Assert.Contains(host.Log.Entries, entry => entry.Exception is InvalidOperationException { Message: "secret" });
    }

    [Fact]
    public async Task Details_of_an_exception_are_sent_where_that_is_enabled()
    {
        await using var host = await TestHost.StartAsync(options => options.EnableDetailedErrors = true);
        host.Service.Unary = (_, _) => throw new InvalidOperationException("outer", new ArgumentException("inner"));

        var reply = await host.CallAsync("Unary", Hello);

        Assert.Equal("Exception was thrown by handler. InvalidOperationException: outer ArgumentException: inner", reply.Message);
    }

    [Fact]
    public async Task A_status_that_the_handler_sets_ends_the_call()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.Unary = (request, context) =>
        {
            context.Status = new Status(StatusCode.DataLoss, "gone");
            return Task.FromResult(request);
        };

        var reply = await host.CallAsync("Unary", Hello);

        Assert.Equal(("15", "gone"), (reply.Status, reply.Message));
        Assert.Empty(reply.Messages);
    }

    [Fact]
    public async Task A_handler_that_returns_null_is_Cancelled()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.Unary = (_, _) => Task.FromResult<Blob>(null!);

        var reply = await host.CallAsync("Unary", Hello);

        Assert.Equal(("1", "No message returned from method."), (reply.Status, reply.Message));
    }

    [Fact]
    public async Task A_serializer_that_breaks_its_promise_resets_the_stream_and_the_server_goes_on()
    {
        await using var host = await TestHost.StartAsync();

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => host.CallAsync("Torn", Hello));

        Assert.Equal("0", (await host.CallAsync("Unary", Hello)).Status);
    }

    [Fact]
    public async Task Request_metadata_reaches_the_handler_and_transport_headers_do_not()
    {
        await using var host = await TestHost.StartAsync();
        Metadata? seen = null;
        host.Service.Unary = (request, context) =>
        {
            seen = context.RequestHeaders;
            return Task.FromResult(request);
        };

        await host.CallAsync(
            "Unary", Hello, ("token", "abc.1"), ("one-bin", "AAH+/w"), ("two-bin", "AAH+/w==,BQ"), ("grpc-accept-encoding", "identity"), ("Mixed-Case", "X"));

        Assert.NotNull(seen);
        Assert.Equal("abc.1", seen.GetValue("token"));
        Assert.Equal("X", seen.GetValue("mixed-case"));
        Assert.Equal([0, 1, 254, 255], seen.GetValueBytes("one-bin"));
        Assert.Equal([[0, 1, 254, 255], [5]], seen.GetAll("two-bin").Select(entry => entry.ValueBytes));
        Assert.DoesNotContain(seen, entry => entry.Key is "te" or "content-type" or "grpc-accept-encoding" or "host" or "content-length");
    }

    [Fact]
    public async Task A_malformed_binary_header_is_the_callers_error()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.Unary = (request, context) => context.RequestHeaders.Count > 0 ? Task.FromResult(request) : throw new InvalidOperationException();

        var reply = await host.CallAsync("Unary", Hello, ("bad-bin", "*"));

        Assert.Equal(("13", "malformed binary metadata in header bad-bin"), (reply.Status, reply.Message));
    }

    [Fact]
    public async Task Headers_and_trailers_of_the_response_arrive()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.Unary = async (request, context) =>
        {
            await context.WriteResponseHeadersAsync(new Metadata { { "head", "1" }, { "head-bin", [9] } });
            await Assert.ThrowsAsync<InvalidOperationException>(() => context.WriteResponseHeadersAsync([]));
            context.ResponseTrailers.Add("tail", "a");
            context.ResponseTrailers.Add("tail", "b");
            context.ResponseTrailers.Add("tail-bin", [1, 2, 3]);
            return request;
        };

        var reply = await host.CallAsync("Unary", Hello);

        Assert.Equal(("1", "CQ"), (reply.Header("head"), reply.Header("head-bin")));
        Assert.Equal(("a,b", "AQID", "0"), (reply.Trailer("tail"), reply.Trailer("tail-bin"), reply.Trailer("grpc-status")));
        Assert.Equal(Hello, Assert.Single(reply.Messages).Bytes);
    }

    [Fact]
    public async Task The_context_says_who_calls_what()
    {
        await using var host = await TestHost.StartAsync();
        ServerCallContext? seen = null;
        (string Method, string Host, string Peer, string Path) facts = default;
        host.Service.Unary = (request, context) =>
        {
            seen = context;
            facts = (context.Method, context.Host, context.Peer, context.GetHttpContext().Request.Path.Value!);
            Assert.False(context.AuthContext.IsPeerAuthenticated);
            Assert.Equal(DateTime.MaxValue, context.Deadline);
            context.UserState["mine"] = 1;
            Assert.Equal(1, context.UserState["mine"]);
            return Task.FromResult(request);
        };

        var reply = await host.CallAsync("Unary", Hello);

        Assert.Equal("0", reply.Status);
        Assert.NotNull(seen);
        Assert.Equal(("/test.Blobs/Unary", host.Address.Authority, "/test.Blobs/Unary"), (facts.Method, facts.Host, facts.Path));
        Assert.StartsWith("ipv4:127.0.0.1:", facts.Peer, StringComparison.Ordinal);
    }
}
