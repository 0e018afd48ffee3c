using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Etcd.Server.Hosting.Listeners;

namespace Etcd.Server.Tests.Hosting.Listeners;

/// <summary>One port for HTTP/1.1 and HTTP/2, in clear text and over TLS, told apart by the first bytes.</summary>
public sealed class OnePortTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Both_protocols_are_served_in_clear_text()
    {
        await using var host = await ListenerHost.StartAsync("http://127.0.0.1:0");
        var url = host.Endpoints[0].ToString();

        Assert.Equal("http HTTP/1.1", await host.AskAsync(url, HttpVersion.Version11));
        Assert.Equal("http HTTP/2", await host.AskAsync(url, HttpVersion.Version20));
    }

    [Fact]
    public async Task Both_protocols_are_served_over_TLS()
    {
        using var certificate = new TestCertificate();
        await using var host = await ListenerHost.StartAsync(["https://127.0.0.1:0"], certificate: certificate);
        var url = host.Endpoints[0].ToString();

        Assert.StartsWith("https://", url, StringComparison.Ordinal);
        Assert.Equal("https HTTP/1.1", await host.AskAsync(url, HttpVersion.Version11));
        Assert.Equal("https HTTP/2", await host.AskAsync(url, HttpVersion.Version20));
    }

    [Fact]
    public async Task Http_and_https_share_a_port()
    {
        var port = FreePort();
        using var certificate = new TestCertificate();
        await using var host = await ListenerHost.StartAsync([$"http://127.0.0.1:{port}", $"https://127.0.0.1:{port}"], certificate: certificate);

        foreach (var scheme in (string[])["http", "https"])
        {
            var url = $"{scheme}://127.0.0.1:{port}";
            Assert.Equal($"{scheme} HTTP/1.1", await host.AskAsync(url, HttpVersion.Version11));
            Assert.Equal($"{scheme} HTTP/2", await host.AskAsync(url, HttpVersion.Version20));
        }

        Assert.Equal([$"http://127.0.0.1:{port}", $"https://127.0.0.1:{port}"], host.Endpoints.Select(e => e.ToString()));
    }

    [Fact]
    public void A_TLS_URL_without_a_certificate_is_refused()
    {
        var options = new Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions();

        var failure = Assert.Throws<ArgumentException>(() => options.ListenEtcd([EtcdEndpoint.Parse("https://127.0.0.1:2379")]));

        Assert.Contains("https://127.0.0.1:2379 needs a certificate", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_upgrade_to_h2c_is_answered_in_HTTP_1()
    {
        await using var host = await ListenerHost.StartAsync("http://127.0.0.1:0");
        await using var stream = await host.ConnectAsync();

        await stream.WriteAsync(
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"u8.ToArray(),
            Cancellation);

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await ReadToEndAsync(stream), StringComparison.Ordinal);
    }

    [Fact]
    public async Task First_bytes_may_come_one_by_one()
    {
        await using var host = await ListenerHost.StartAsync("http://127.0.0.1:0");
        await using var second = await host.ConnectAsync();
        foreach (var octet in Http2Frames.Preface)
        {
            await second.WriteAsync(new[] { octet }, Cancellation);
        }

        await second.WriteAsync(Http2Frames.EmptySettings, Cancellation);
        Assert.Equal(Http2Frame.Settings, (await second.ReadFrameAsync(Cancellation)).Type);

        await using var first = await host.ConnectAsync();
        foreach (var octet in "PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"u8.ToArray())
        {
            await first.WriteAsync(new[] { octet }, Cancellation);
        }

        Assert.EndsWith("http HTTP/1.1\r\n0\r\n\r\n", await ReadToEndAsync(first), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_TLS_client_at_a_clear_port_is_turned_away_and_the_server_goes_on()
    {
        await using var host = await ListenerHost.StartAsync("http://127.0.0.1:0");
        await using var stream = await host.ConnectAsync();
        await using var tls = new SslStream(stream);

        await Assert.ThrowsAnyAsync<Exception>(() => tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "x" }, Cancellation));

        Assert.Equal("http HTTP/2", await host.AskAsync(host.Endpoints[0].ToString(), HttpVersion.Version20));
    }

    [Fact]
    public async Task A_clear_text_client_at_a_TLS_port_is_turned_away_and_the_server_goes_on()
    {
        using var certificate = new TestCertificate();
        await using var host = await ListenerHost.StartAsync(["https://127.0.0.1:0"], certificate: certificate);
        await using var stream = await host.ConnectAsync();
        await stream.WriteAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Cancellation);

        await ReadToEndAsync(stream);

        Assert.Equal("https HTTP/2", await host.AskAsync(host.Endpoints[0].ToString(), HttpVersion.Version20));
    }

    [Fact]
    public async Task A_unix_socket_serves_both_protocols_and_a_stale_file_is_replaced()
    {
        var folder = Directory.CreateTempSubdirectory("etcd-unix");
        try
        {
            var path = Path.Combine(folder.FullName, "client.sock");
            await File.WriteAllTextAsync(path, "left behind", Cancellation);
            await using (var host = await ListenerHost.StartAsync("unix://" + path))
            {
                Assert.Equal("unix://" + path, Assert.Single(host.Endpoints).ToString());
                using var client = ListenerHost.Client(path);
                foreach (var version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
                {
                    using var request = new HttpRequestMessage(HttpMethod.Get, "http://localhost/") { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
                    using var response = await client.SendAsync(request, Cancellation);
                    Assert.Equal(version.Major == 2 ? "http HTTP/2" : "http HTTP/1.1", await response.Content.ReadAsStringAsync(Cancellation));
                }

                await host.StopAsync();
            }

            Assert.False(File.Exists(path));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Each_URL_with_port_0_gets_a_port_of_its_own()
    {
        await using var host = await ListenerHost.StartAsync("http://127.0.0.1:0", "http://127.0.0.1:0");

        Assert.Equal(2, host.Endpoints.Select(e => e.Port).Distinct().Count());
        Assert.All(host.Endpoints, e => Assert.NotEqual(0, e.Port));
        foreach (var endpoint in host.Endpoints)
        {
            Assert.Equal("http HTTP/2", await host.AskAsync(endpoint.ToString(), HttpVersion.Version20));
        }
    }

    [Fact]
    public async Task All_addresses_means_those_of_both_families()
    {
        await using var host = await ListenerHost.StartAsync("http://0.0.0.0:0");

        Assert.Equal("http HTTP/1.1", await host.AskAsync($"http://127.0.0.1:{host.Port}", HttpVersion.Version11));
        if (Socket.OSSupportsIPv6 && Dns.GetHostAddresses("::1").Length > 0)
        {
            Assert.Equal("http HTTP/1.1", await host.AskAsync($"http://[::1]:{host.Port}", HttpVersion.Version11));
        }
    }

    [Fact]
    public async Task An_address_in_use_is_named()
    {
        await using var first = await ListenerHost.StartAsync("http://127.0.0.1:0");

        var failure = await Assert.ThrowsAsync<IOException>(() => ListenerHost.StartAsync($"http://127.0.0.1:{first.Port}"));

        Assert.Contains($"http://127.0.0.1:{first.Port}", failure.Message, StringComparison.Ordinal);
        Assert.Contains("address already in use", failure.Message, StringComparison.Ordinal);
        Assert.Equal($"listen tcp 127.0.0.1:{first.Port}: bind: address already in use", failure.InnerException!.Message);
    }

    [Fact]
    public async Task A_silent_connection_is_closed_when_its_time_is_up()
    {
        await using var host = await ListenerHost.StartAsync(["http://127.0.0.1:0"], options => options.FirstBytesTimeout = TimeSpan.FromMilliseconds(100));
        await using var silent = await host.ConnectAsync();
        await using var undecided = await host.ConnectAsync();
        await undecided.WriteAsync("PR"u8.ToArray(), Cancellation);

        Assert.Equal(string.Empty, await ReadToEndAsync(silent));
        Assert.Equal(string.Empty, await ReadToEndAsync(undecided));
    }

    [Fact]
    public async Task Beyond_the_limit_the_oldest_silent_connection_makes_room()
    {
        await using var host = await ListenerHost.StartAsync(["http://127.0.0.1:0"], options => options.SilentConnectionsMax = 2);
        await using var oldest = await host.ConnectAsync();
        await using var second = await host.ConnectAsync();
        await using var third = await host.ConnectAsync();

        Assert.Equal(string.Empty, await ReadToEndAsync(oldest));
        foreach (var stream in (Stream[])[second, third])
        {
            await stream.WriteAsync("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8.ToArray(), Cancellation);
            Assert.StartsWith("HTTP/1.1 200 OK", await ReadToEndAsync(stream), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Connections_that_end_before_they_speak_do_no_harm()
    {
        await using var host = await ListenerHost.StartAsync("http://127.0.0.1:0");
        for (var i = 0; i < 20; i++)
        {
            var stream = await host.ConnectAsync();
            stream.Socket.LingerState = new LingerOption(i % 2 == 0, 0);
            await stream.DisposeAsync();
        }

        Assert.Equal("http HTTP/2", await host.AskAsync(host.Endpoints[0].ToString(), HttpVersion.Version20));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_stop_ends_the_calls_that_still_run(int version)
    {
        await using var host = await ListenerHost.StartAsync(["http://127.0.0.1:0"], options => options.ShutdownGrace = TimeSpan.FromMilliseconds(100));
        using var client = ListenerHost.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, host.Endpoints[0] + "/hang") { Version = new Version(version, version == 1 ? 1 : 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        await host.Hanging.Task;
        await using var silent = await host.ConnectAsync();

        // The host itself would wait for 30 seconds.
        await host.StopAsync().WaitAsync(TimeSpan.FromSeconds(15), Cancellation);

        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(string.Empty, await ReadToEndAsync(silent));
    }

    internal static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static async Task<string> ReadToEndAsync(Stream stream)
    {
        using var all = new MemoryStream();
        try
        {
            await stream.CopyToAsync(all, Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        }
        catch (IOException)
        {
            // A reset is an end, too.
        }

        return Encoding.ASCII.GetString(all.ToArray());
    }
}
