using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Etcd.Server.Hosting.Listeners;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Etcd.Server.Tests.Hosting.Listeners;

/// <summary>Each of Kestrel's settings that etcd's behaviour depends on, seen from outside where that is possible.</summary>
public sealed class KestrelDefaultsTests
{
    private const ushort MaxConcurrentStreams = 3;
    private const ushort InitialWindowSize = 4;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(uint.MaxValue, KestrelDefaults.StreamsPerConnectionCeiling)]
    [InlineData(5u, 5)]
    [InlineData(0u, 1)]
    public async Task The_number_of_streams_is_etcds(uint setting, int announced)
    {
        await using var host = await StartAsync(new ConnectionSettings { StreamsPerConnectionMax = setting });
        await using var connection = await OpenAsync(host);

        var settings = await connection.ReadFrameAsync(Http2Frame.Settings, Cancellation);

        Assert.Equal((uint)announced, settings.Setting(MaxConcurrentStreams));
    }

    [Fact]
    public async Task Windows_are_wide()
    {
        await using var host = await StartAsync();
        await using var connection = await OpenAsync(host);

        var settings = await connection.ReadFrameAsync(Http2Frame.Settings, Cancellation);
        var update = await connection.ReadFrameAsync(Http2Frame.WindowUpdate, Cancellation);

        Assert.Equal((uint)KestrelDefaults.StreamWindowBytes, settings.Setting(InitialWindowSize));
        Assert.Equal(KestrelDefaults.ConnectionWindowBytes - 65535, BinaryPrimitives.ReadInt32BigEndian(update.Payload));
    }

    [Fact]
    public async Task A_body_may_be_longer_than_30_MB()
    {
        const int Length = 40_000_000;
        await using var host = await StartAsync();
        using var client = ListenerHost.Client();

        using var response = await client.PostAsync(new Uri(host.Endpoints[0] + "/count"), new ByteArrayContent(new byte[Length]), Cancellation);

        Assert.Equal("40000000", await response.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task Slow_bodies_and_slow_readers_are_not_cut_off_and_connections_are_not_counted()
    {
        await using var host = await StartAsync();
        var limits = host.KestrelOptions.Limits;

        Assert.Null(limits.MinRequestBodyDataRate);
        Assert.Null(limits.MinResponseDataRate);
        Assert.Null(limits.MaxConcurrentConnections);
        Assert.Null(limits.MaxConcurrentUpgradedConnections);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Large_headers_are_taken(int version)
    {
        await using var host = await StartAsync();
        using var client = ListenerHost.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, host.Endpoints[0].ToString()) { Version = new Version(version, version == 1 ? 1 : 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        for (var i = 0; i < 200; i++)
        {
            request.Headers.Add("x-header-" + i, new string('x', 500));
        }

        request.Headers.Add("token", new string('x', 500_000));

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.False(response.Headers.Contains("Server"));
    }

    [Fact]
    public async Task An_idle_connection_is_pinged_and_dropped_if_it_does_not_answer()
    {
        await using var host = await StartAsync(new ConnectionSettings { KeepAliveInterval = TimeSpan.FromMilliseconds(1), KeepAliveTimeout = TimeSpan.FromMilliseconds(1) });
        await using var connection = await OpenAsync(host);

        await connection.ReadFrameAsync(Http2Frame.Ping, Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        await connection.ReadFrameAsync(Http2Frame.GoAway, Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
    }

    [Fact]
    public void Sockets_are_set_for_many_connections_and_few_threads()
    {
        var sockets = new SocketTransportOptions();

        KestrelDefaults.Apply(sockets);

        Assert.InRange(sockets.IOQueueCount, 1, Math.Max(1, Environment.ProcessorCount / 2));
        Assert.Equal((4096, true, false, true), (sockets.Backlog, sockets.NoDelay, sockets.UnsafePreferInlineScheduling, sockets.WaitForDataBeforeAllocatingBuffer));
    }

    [Fact]
    public async Task The_intervals_of_pings_are_etcds()
    {
        await using var host = await StartAsync();
        var http2 = host.KestrelOptions.Limits.Http2;

        Assert.Equal((TimeSpan.FromHours(2), TimeSpan.FromSeconds(20)), (http2.KeepAlivePingDelay, http2.KeepAlivePingTimeout));
    }

    [Theory]
    [InlineData(0, 20)]
    [InlineData(7200, 0)]
    public async Task Pings_can_be_turned_off(int interval, int timeout)
    {
        await using var host = await StartAsync(new ConnectionSettings { KeepAliveInterval = TimeSpan.FromSeconds(interval), KeepAliveTimeout = TimeSpan.FromSeconds(timeout) });

        Assert.Equal(TimeSpan.MaxValue, host.KestrelOptions.Limits.Http2.KeepAlivePingDelay);
    }

    /// <summary>
    /// Kestrel looks for idle connections once a second; the wrong setting ("infinite") closes them at the first look.
    /// So a connection that is left alone for three of them must get nothing.
    /// </summary>
    [Fact]
    public async Task An_idle_connection_stays_open()
    {
        await using var host = await StartAsync();
        await using var connection = await OpenAsync(host);
        await connection.ReadFrameAsync(Http2Frame.WindowUpdate, Cancellation);
        await connection.ReadFrameAsync(Cancellation); // The acknowledgement of our settings.

        using var three = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        three.CancelAfter(TimeSpan.FromSeconds(3.5));
        var next = await Record.ExceptionAsync(() => connection.ReadFrameAsync(three.Token));

        Assert.IsType<OperationCanceledException>(next, exactMatch: false);
    }

    private static Task<ListenerHost> StartAsync(ConnectionSettings? settings = null) =>
        ListenerHost.StartAsync(["http://127.0.0.1:0"], settings: settings);

    private static async Task<NetworkStream> OpenAsync(ListenerHost host)
    {
        var connection = await host.ConnectAsync();
        await connection.WriteAsync(Http2Frames.Preface, Cancellation);
        await connection.WriteAsync(Http2Frames.EmptySettings, Cancellation);
        return connection;
    }
}
