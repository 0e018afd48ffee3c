using Microsoft.Extensions.DependencyInjection;

namespace Etcd.Grpc.Tests.Server;

/// <summary>Message size limits, and gzip in both directions.</summary>
public sealed class LimitsAndCompressionTests
{
    [Fact]
    public async Task A_request_above_the_limit_is_ResourceExhausted_with_the_text_that_etcd_clients_see()
    {
        await using var host = await TestHost.StartAsync(options => options.MaxReceiveMessageSize = 100);

        Assert.Equal("0", (await host.CallAsync("Unary", new byte[100])).Status);
        var reply = await host.CallAsync("Unary", new byte[101]);

        Assert.Equal(("8", "grpc: received message larger than max (101 vs. 100)"), (reply.Status, reply.Message));
    }

    [Fact]
    public async Task The_limit_is_4_MiB_unless_set()
    {
        await using var host = await TestHost.StartAsync();

        var reply = await host.CallAsync("Unary", new byte[(4 << 20) + 1]);

        Assert.Equal(("8", "grpc: received message larger than max (4194305 vs. 4194304)"), (reply.Status, reply.Message));
    }

    [Fact]
    public async Task A_service_may_have_a_limit_of_its_own()
    {
        await using var host = await TestHost.StartAsync(
            options => options.MaxReceiveMessageSize = 1,
            services => services.AddGrpc().AddServiceOptions<BlobService>(options => options.MaxReceiveMessageSize = null));

        Assert.Equal("0", (await host.CallAsync("Unary", new byte[5 << 20])).Status);
    }

    [Theory]
    [InlineData("Unary")]
    [InlineData("Unsized")]
    [InlineData("Array")]
    public async Task A_response_above_the_limit_is_ResourceExhausted(string method)
    {
        await using var host = await TestHost.StartAsync(options => options.MaxSendMessageSize = 100);

        Assert.Equal("0", (await host.CallAsync(method, new byte[100])).Status);
        var reply = await host.CallAsync(method, new byte[101]);

        Assert.Equal(("8", "trying to send message larger than max (101 vs. 100)"), (reply.Status, reply.Message));
        Assert.Empty(reply.Messages);
    }

    [Fact]
    public async Task A_compressed_request_is_read()
    {
        await using var host = await TestHost.StartAsync();

        var reply = await host.Client.CallAsync("/test.Blobs/Unary", GrpcExchange.Frame(GrpcExchange.Gzip(new byte[1000]), flag: 1), ("grpc-encoding", "gzip"));

        Assert.Equal("0", reply.Status);
        var (compressed, bytes) = Assert.Single(reply.Messages);
        Assert.False(compressed);
        Assert.Equal(new byte[1000], bytes);
    }

    [Fact]
    public async Task The_limit_holds_for_what_comes_out_of_a_compressed_request()
    {
        await using var host = await TestHost.StartAsync();

        var bomb = GrpcExchange.Frame(GrpcExchange.Gzip(new byte[50 << 20]), flag: 1);
        var reply = await host.Client.CallAsync("/test.Blobs/Unary", bomb, ("grpc-encoding", "gzip"));

        Assert.Equal(("8", "grpc: message after decompression larger than max 4194304"), (reply.Status, reply.Message));
    }

    [Fact]
    public async Task What_is_said_to_be_gzip_and_is_not_is_refused()
    {
        await using var host = await TestHost.StartAsync();

        var reply = await host.Client.CallAsync("/test.Blobs/Unary", GrpcExchange.Frame([1, 2, 3], flag: 1), ("grpc-encoding", "gzip"));

        Assert.Equal("13", reply.Status);
        Assert.StartsWith("grpc: failed to decompress the received message: ", reply.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_compressed_flag_without_an_encoding_is_refused()
    {
        await using var host = await TestHost.StartAsync();

        var reply = await host.Client.CallAsync("/test.Blobs/Unary", GrpcExchange.Frame([1], flag: 1));

        Assert.Equal(("13", "grpc: compressed flag set with identity or empty encoding"), (reply.Status, reply.Message));
    }

    [Fact]
    public async Task An_unknown_encoding_is_Unimplemented_and_the_known_ones_are_named()
    {
        await using var host = await TestHost.StartAsync();

        var reply = await host.CallAsync("Unary", [1], ("grpc-encoding", "snappy"));

        Assert.Equal(("12", "grpc: Decompressor is not installed for grpc-encoding \"snappy\""), (reply.Status, reply.Message));
        Assert.Equal("identity,gzip", reply.Header("grpc-accept-encoding"));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("identity, deflate ,gzip")]
    public async Task Responses_are_compressed_where_that_is_set_and_accepted(string accepted)
    {
        await using var host = await TestHost.StartAsync(options => options.ResponseCompressionAlgorithm = "gzip");

        var reply = await host.CallAsync("Unary", new byte[10_000], ("grpc-accept-encoding", accepted));

        Assert.Equal(("0", "gzip"), (reply.Status, reply.Header("grpc-encoding")));
        var (compressed, bytes) = Assert.Single(reply.Messages);
        Assert.True(compressed);
        Assert.InRange(bytes.Length, 1, 1000);
        Assert.Equal(new byte[10_000], GrpcExchange.Gunzip(bytes));
    }

    [Fact]
    public async Task Responses_are_not_compressed_for_a_client_that_does_not_accept_it()
    {
        await using var host = await TestHost.StartAsync(options => options.ResponseCompressionAlgorithm = "gzip");

        var reply = await host.CallAsync("Unary", new byte[10_000], ("grpc-accept-encoding", "identity"));

        Assert.Null(reply.Header("grpc-encoding"));
        Assert.False(Assert.Single(reply.Messages).Compressed);
    }

    [Fact]
    public async Task An_unknown_algorithm_in_the_options_is_refused_at_start()
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => TestHost.StartAsync(options => options.ResponseCompressionAlgorithm = "lz4"));

        Assert.Contains("lz4", failure.Message, StringComparison.Ordinal);
    }
}
