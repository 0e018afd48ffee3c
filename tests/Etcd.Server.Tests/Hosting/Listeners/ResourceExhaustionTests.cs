using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Etcd.Server.Hosting.Listeners;

namespace Etcd.Server.Tests.Hosting.Listeners;

/// <summary>
/// GHSA-6vch-q96h-7gc3 and its like: who has shown no right to anything must not be able to hold a server's sockets, memory or threads for
/// long, by a handshake, headers or a body that do not go on or do not end. Method: clients that behave so, on a real socket; where the
/// limit in use is longer than a test should last, a shorter one is set here and the one in use is looked at. Silent connections are in
/// <see cref="OnePortTests"/>, messages of members in Peer/CodecTests and Peer/PeerEndpointTests, JSON bodies in Api/Gateway/GatewayTests.
/// </summary>
public sealed class ResourceExhaustionTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_TLS_handshake_that_does_not_go_on_is_ended()
    {
        using var certificate = new TestCertificate();
        TimeSpan inUse = default;
        await using ListenerHost host = await ListenerHost.StartAsync(["https://127.0.0.1:0"], certificate: certificate, tls: https =>
        {
            inUse = https.HandshakeTimeout;
            https.HandshakeTimeout = Short;
        });
        await using NetworkStream stalled = await host.ConnectAsync();
        // The head of a record of 512 bytes, of which nothing follows.
        await stalled.WriteAsync(new byte[] { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01 }, Cancellation);

        Assert.Equal("", await ReadToEndAsync(stalled));
        Assert.InRange(inUse, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
    }

    /// <summary>Go's server has no limit of that kind unless it is told (ReadHeaderTimeout), and etcd's was not.</summary>
    [Fact]
    public async Task Headers_that_do_not_end_in_time_are_cut_off()
    {
        await using ListenerHost host = await ListenerHost.StartAsync("http://127.0.0.1:0");
        Assert.InRange(host.KestrelOptions.Limits.RequestHeadersTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        host.KestrelOptions.Limits.RequestHeadersTimeout = Short;
        await using NetworkStream slow = await host.ConnectAsync();
        await slow.WriteAsync("GET / HTTP/1.1\r\nHost: x\r\nX-More: "u8.ToArray(), Cancellation);

        Assert.StartsWith("HTTP/1.1 408 ", await ReadToEndAsync(slow), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, KestrelDefaults.HeaderBytesMax + 1024)]
    [InlineData(1001, 10)]
    public async Task Headers_without_end_are_refused(int count, int bytes)
    {
        await using ListenerHost host = await ListenerHost.StartAsync("http://127.0.0.1:0");
        await using NetworkStream flood = await host.ConnectAsync();
        var request = new StringBuilder("GET / HTTP/1.1\r\nHost: x\r\n");
        for (int i = 0; i < count; i++)
        {
            request.Append(System.Globalization.CultureInfo.InvariantCulture, $"X-{i}: ").Append('x', bytes).Append("\r\n");
        }

        try
        {
            await flood.WriteAsync(Encoding.ASCII.GetBytes(request.Append("\r\n").ToString()), Cancellation);
        }
        catch (IOException)
        {
            // It has heard enough.
        }

        string answer = await ReadToEndAsync(flood);
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 431 ", StringComparison.Ordinal), answer);
        // Others are served meanwhile and afterwards.
        Assert.Equal("http HTTP/1.1", await host.AskAsync(host.Endpoints[0].ToString(), new Version(1, 1)));
    }

    /// <summary>Many at once, none of which says what it wants: others are served without waiting for them.</summary>
    [Fact]
    public async Task A_crowd_of_stalled_clients_keeps_nobody_out()
    {
        await using ListenerHost host = await ListenerHost.StartAsync("http://127.0.0.1:0");
        var crowd = new List<NetworkStream>();
        try
        {
            for (int i = 0; i < 200; i++)
            {
                NetworkStream one = await host.ConnectAsync();
                crowd.Add(one);
                await one.WriteAsync((i % 2 == 0 ? "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" : "GET / HTTP/1.1\r\nHo")
                    .Select(c => (byte)c).ToArray(), Cancellation);
            }

            Assert.Equal("http HTTP/2", await host.AskAsync(host.Endpoints[0].ToString(), new Version(2, 0)).WaitAsync(Patience, Cancellation));
        }
        finally
        {
            foreach (NetworkStream one in crowd)
            {
                await one.DisposeAsync();
            }
        }
    }

    private static async Task<string> ReadToEndAsync(NetworkStream stream)
    {
        using var all = new MemoryStream();
        long began = Stopwatch.GetTimestamp();
        try
        {
            await stream.CopyToAsync(all, Cancellation).WaitAsync(Patience, Cancellation);
        }
        catch (IOException)
        {
            // A reset is an end, too.
        }

        Assert.True(Stopwatch.GetElapsedTime(began) < Patience, "the connection was not ended");
        return Encoding.ASCII.GetString(all.ToArray());
    }
}
