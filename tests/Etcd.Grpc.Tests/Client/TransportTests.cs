using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Etcd.Grpc.Tests.Client;

/// <summary>Goal: TLS, unix sockets, credentials, keep-alive and the options of a channel work as with any HTTP handler.</summary>
public sealed class TransportTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_call_over_TLS_checks_the_server_and_carries_call_credentials()
    {
        using var certificate = CreateCertificate();
        await using var app = await StartTlsAsync(certificate);
        var address = app.Urls.Single().Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
        var token = CallCredentials.FromInterceptor((context, metadata) =>
        {
            metadata.Add("token", $"{context.MethodName} {context.ServiceUrl}");
            return Task.CompletedTask;
        });
        var second = CallCredentials.FromInterceptor((_, metadata) =>
        {
            metadata.Add("second", "2");
            return Task.CompletedTask;
        });
        using var channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = Trusting(certificate),
            DisposeHttpClient = true,
            Credentials = ChannelCredentials.Create(ChannelCredentials.SecureSsl, token),
        });
        using var strangers = GrpcChannel.ForAddress(address);

        var response = await channel.CallUnary("x", new CallOptions(credentials: second));
        var refused = await TextService.FailsAsync(strangers.CallUnary("x").ResponseAsync);

        Assert.Equal($"https Unary {address}/test.Text 2", response);
        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
    }

    [Theory]
    [InlineData(false, "")]
    [InlineData(true, "secret")]
    public async Task Call_credentials_are_not_sent_in_the_clear_unless_the_channel_says_so(bool allowed, string expected)
    {
        await using var server = await OddServer.StartAsync(context => context.AnswerAsync(context.Request.Headers["token"].ToString()));
        using var channel = server.Connect(options => options.UnsafeUseInsecureChannelCallCredentials = allowed);
        var credentials = CallCredentials.FromInterceptor((_, metadata) =>
        {
            metadata.Add("token", "secret");
            return Task.CompletedTask;
        });

        Assert.Equal(expected, await channel.CallUnary("x", new CallOptions(credentials: credentials)));
    }

    [Fact]
    public async Task Credentials_that_fail_fail_the_call()
    {
        await using var server = await OddServer.StartAsync(context => context.AnswerAsync("x"));
        using var channel = server.Connect(options => options.UnsafeUseInsecureChannelCallCredentials = true);
        var credentials = CallCredentials.FromInterceptor(
            (_, _) => throw new RpcException(new Status(StatusCode.Unauthenticated, "no token")));

        var failure = await TextService.FailsAsync(channel.CallUnary("x", new CallOptions(credentials: credentials)).ResponseAsync);

        Assert.Equal(StatusCode.Unauthenticated, failure.StatusCode);
        Assert.Equal("no token", failure.Status.Detail);
    }

    [Fact]
    public async Task A_call_over_a_unix_socket_works_by_the_handlers_connect_callback()
    {
        var folder = Directory.CreateTempSubdirectory("grpc-client-");
        try
        {
            var path = Path.Combine(folder.FullName, "s");
            await using var server = await OddServer.StartAsync(
                context => context.AnswerAsync("over the socket"),
                kestrel => kestrel.ListenUnixSocket(path, listen => listen.Protocols = HttpProtocols.Http2));
            using var channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
            {
                HttpHandler = new SocketsHttpHandler
                {
                    ConnectCallback = async (_, token) =>
                    {
                        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), token);
                        return new NetworkStream(socket, ownsSocket: true);
                    },
                },
                DisposeHttpClient = true,
            });

            Assert.Equal("over the socket", await channel.CallUnary("x"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Keep_alive_pings_end_a_stream_whose_server_fell_silent()
    {
        // A relay between client and server that from some point on passes nothing and closes nothing.
        await using var server = await OddServer.StartAsync(CallKindsTests.EchoAsync);
        using var relay = new SilencingRelay(new Uri(server.Address));
        using var channel = GrpcChannel.ForAddress(relay.Address, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                KeepAlivePingDelay = TimeSpan.FromSeconds(1),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(1),
            },
            DisposeHttpClient = true,
        });
        using var call = channel.CallDuplex();
        await call.RequestStream.WriteAsync("x", Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));

        relay.FallSilent();

        var failure = await TextService.FailsAsync(call.ResponseStream.MoveNext(Token).WaitAsync(TimeSpan.FromSeconds(60), Token));
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
    }

    [Fact]
    public async Task A_client_of_the_users_own_is_used_and_not_disposed_of()
    {
        await using var server = await OddServer.StartAsync(CallKindsTests.EchoAsync);
        using var client = new HttpClient();
        using (var channel = server.Connect(options => options.HttpClient = client))
        {
            using var call = channel.CallDuplex();
            await call.RequestStream.WriteAsync("streams are not buffered", Token);
            Assert.True(await call.ResponseStream.MoveNext(Token));
        }

        using var again = server.Connect(options => options.HttpClient = client);
        using var second = again.CallDuplex();
        await second.RequestStream.CompleteAsync();
        Assert.False(await second.ResponseStream.MoveNext(Token));
    }

    [Fact]
    public void Options_that_contradict_each_other_are_refused()
    {
        using var client = new HttpClient();
        using var handler = new SocketsHttpHandler();

        Assert.Throws<ArgumentException>(() => GrpcChannel.ForAddress("ftp://localhost"));
        Assert.Throws<ArgumentException>(() => GrpcChannel.ForAddress(
            "http://localhost", new GrpcChannelOptions { HttpClient = client, HttpHandler = handler }));
        Assert.Throws<InvalidOperationException>(() => GrpcChannel.ForAddress(
            "http://localhost", new GrpcChannelOptions { Credentials = ChannelCredentials.SecureSsl }));
        Assert.Throws<InvalidOperationException>(() => GrpcChannel.ForAddress(
            "https://localhost", new GrpcChannelOptions { Credentials = ChannelCredentials.Insecure }));
        Assert.Throws<InvalidOperationException>(() => GrpcChannel.ForAddress(
            "https://localhost", new GrpcChannelOptions { Credentials = new SslCredentials("PEM") }));
    }

    private static async Task<WebApplication> StartTlsAsync(X509Certificate2 certificate)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(certificate);
        }));
        var app = builder.Build();
        app.Run(context => context.AnswerAsync(
            $"{context.Request.Scheme} {context.Request.Headers["token"]} {context.Request.Headers["second"]}"));
        await app.StartAsync(Token);
        return app;
    }

    private static SocketsHttpHandler Trusting(X509Certificate2 certificate) => new()
    {
        SslOptions = new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { certificate },
                RevocationMode = X509RevocationMode.NoCheck,
            },
        },
    };

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
