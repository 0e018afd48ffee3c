using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Etcd.Grpc.Tests.Server;

/// <summary>What is not served: unknown methods, other content types and protocols, broken messages.</summary>
public sealed class RoutingAndRefusalTests
{
    [Fact]
    public async Task An_unknown_method_is_Unimplemented()
    {
        await using var host = await TestHost.StartAsync();

        var reply = await host.CallAsync("Nope", []);

        Assert.Equal(("12", "unknown method Nope for service test.Blobs"), (reply.Status, reply.Message));
        Assert.True(reply.IsTrailersOnly);
    }

    [Fact]
    public async Task An_unknown_service_is_Unimplemented()
    {
        await using var host = await TestHost.StartAsync();

        var reply = await host.Client.CallAsync("/etcdserverpb.Nope/Do", GrpcExchange.Frame([]));

        Assert.Equal(("12", "unknown service etcdserverpb.Nope"), (reply.Status, reply.Message));
    }

    [Fact]
    public async Task Unknown_services_are_left_to_the_application_where_that_is_set()
    {
        await using var host = await TestHost.StartAsync(
            options => options.IgnoreUnknownServices = true,
            map: app => app.MapPost("/{a}/{b}", () => Results.StatusCode(StatusCodes.Status418ImATeapot)));

        var reply = await host.Client.CallAsync("/other/thing", []);

        Assert.Equal(418, (int)reply.Http.StatusCode);
    }

    [Fact]
    public async Task Other_requests_to_paths_of_that_form_are_not_taken_for_calls()
    {
        await using var host = await TestHost.StartAsync(map: app => app.MapPost("/v3/{method}", (string method) => method));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v3/range") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new StringContent("{}", Encoding.UTF8, "application/json") };

        using var response = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("range", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/grpc-web")]
    [InlineData("application/grpcx")]
    public async Task Another_content_type_is_415(string contentType)
    {
        await using var host = await TestHost.StartAsync();
        using var request = GrpcExchange.Request("/test.Blobs/Unary", new ByteArrayContent(GrpcExchange.Frame([])));
        request.Content!.Headers.ContentType = new(contentType);

        var reply = await host.Client.CallAsync(request);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, reply.Http.StatusCode);
        Assert.Equal($"invalid gRPC request content-type \"{contentType}\"", reply.Message);
    }

    [Theory]
    [InlineData("application/grpc+proto")]
    [InlineData("application/grpc; charset=utf-8")]
    public async Task Variants_of_the_content_type_are_served(string contentType)
    {
        await using var host = await TestHost.StartAsync();
        using var request = GrpcExchange.Request("/test.Blobs/Unary", new ByteArrayContent(GrpcExchange.Frame([1])));
        request.Content!.Headers.Remove("content-type");
        request.Content.Headers.TryAddWithoutValidation("content-type", contentType);

        Assert.Equal("0", (await host.Client.CallAsync(request)).Status);
    }

    [Fact]
    public async Task A_call_over_HTTP_1_is_refused_with_the_way_out()
    {
        await using var host = await TestHost.StartAsync(protocols: HttpProtocols.Http1);
        using var request = GrpcExchange.Request("/test.Blobs/Unary", new ByteArrayContent(GrpcExchange.Frame([])));
        request.Version = HttpVersion.Version11;

        var reply = await host.Client.CallAsync(request);

        Assert.Equal(HttpStatusCode.UpgradeRequired, reply.Http.StatusCode);
        Assert.Equal("HTTP/2", reply.Header("upgrade"));
        Assert.Equal("13", reply.Status);
    }

    [Theory]
    [InlineData(new byte[0], "EOF")]
    [InlineData(new byte[] { 0, 0 }, "unexpected EOF")]
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 1, 2 }, "unexpected EOF")]
    [InlineData(new byte[] { 7, 0, 0, 0, 0 }, "grpc: received unexpected payload format 7")]
    [InlineData(new byte[] { 0, 255, 255, 255, 255 }, "grpc: received message larger than max (4294967295 vs. 4194304)")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, "cardinality violation: received multiple request messages for a call that takes one")]
    public async Task A_broken_message_ends_its_call_only(byte[] body, string text)
    {
        await using var host = await TestHost.StartAsync();

        var reply = await host.Client.CallAsync("/test.Blobs/Unary", body);

        Assert.Equal((text.Contains("larger", StringComparison.Ordinal) ? "8" : "13", text), (reply.Status, reply.Message));
        Assert.Equal("0", (await host.CallAsync("Unary", [])).Status);
    }

    [Fact]
    public async Task A_stream_that_breaks_off_inside_a_message_fails_the_handlers_read()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.Duplex = StreamingCallTests.EchoAsync;
        await using var call = new StreamingExchange(host.Client, "/test.Blobs/Duplex");

        await call.SendAsync([1]);
        await call.ReceiveAsync();
        await call.SendRawAsync([0, 0, 0, 0, 5, 1]);
        call.CompleteRequests();

        var end = await call.EndAsync();
        Assert.Equal(("13", "unexpected EOF"), (end.Status, end.Message));
    }
}
