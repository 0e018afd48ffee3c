using System.Net;
using System.Net.Sockets;
using System.Text;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;
using Microsoft.Extensions.Configuration;

namespace Etcd.AppHost.Tests.Standins;

/// <summary>Which ports endpoints get, and what a proxied endpoint does with a connection.</summary>
public sealed class EndpointAllocationTests
{
    [Fact]
    public async Task Without_a_proxy_the_process_and_its_clients_use_the_same_port()
    {
        var given = Http(port: 2379, isProxied: false);
        var chosen = Http(isProxied: false);
        await using var allocator = Allocate([given, chosen]);

        Assert.Equal("http://localhost:2379", given.AllocatedEndpoint!.UriString);
        Assert.Equal("2379", given.AllocatedEndpoint.TargetPortExpression);
        Assert.InRange(chosen.AllocatedEndpoint!.Port, 10000, 32767);
        Assert.Equal($"{chosen.AllocatedEndpoint.Port}", chosen.AllocatedEndpoint.TargetPortExpression);
    }

    [Fact]
    public async Task A_proxied_endpoint_forwards_both_ways_and_hands_on_the_end_of_a_side()
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        var endpoint = Http(targetPort: ((IPEndPoint)target.LocalEndpoint).Port);
        await using var allocator = Allocate([endpoint]);
        using var client = new TcpClient();
        await client.ConnectAsync("localhost", endpoint.AllocatedEndpoint!.Port, TestContext.Current.CancellationToken);
        using var served = await target.AcceptTcpClientAsync(TestContext.Current.CancellationToken);

        await using var asking = client.GetStream();
        await using var serving = served.GetStream();
        await asking.WriteAsync(Encoding.ASCII.GetBytes("question"), TestContext.Current.CancellationToken);
        client.Client.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(serving, leaveOpen: true);
        Assert.Equal("question", await reader.ReadToEndAsync(TestContext.Current.CancellationToken));

        await serving.WriteAsync(Encoding.ASCII.GetBytes("answer"), TestContext.Current.CancellationToken);
        served.Client.Shutdown(SocketShutdown.Send);
        using var answers = new StreamReader(asking);
        Assert.Equal("answer", await answers.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_proxy_whose_target_does_not_listen_closes_the_connection()
    {
        var endpoint = Http();
        await using var allocator = Allocate([endpoint]);
        using var client = new TcpClient();
        await client.ConnectAsync("localhost", endpoint.AllocatedEndpoint!.Port, TestContext.Current.CancellationToken);

        var read = 0;
        try
        {
            read = await client.GetStream().ReadAsync(new byte[1], TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            // Closed with a reset: as good as an orderly end.
        }

        Assert.Equal(0, read);
    }

    [Fact]
    public void A_proxied_endpoint_needs_two_different_ports()
    {
        var e = Assert.Throws<DistributedApplicationException>(() => Allocate([Http(port: 4001, targetPort: 4001)]));

        Assert.Contains("4001", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_test_gets_random_ports_for_proxied_endpoints_only()
    {
        var proxied = Http(port: 4002);
        var direct = Http(port: 4003, isProxied: false);
        await using var allocator = Allocate([proxied, direct], new() { ["DcpPublisher:RandomizePorts"] = "true" });

        Assert.NotEqual(4002, proxied.AllocatedEndpoint!.Port);
        Assert.Equal(4003, direct.AllocatedEndpoint!.Port);
    }

    private static EndpointAnnotation Http(int? port = null, int? targetPort = null, bool? isProxied = null) =>
        new(ProtocolType.Tcp, uriScheme: "http", port: port, targetPort: targetPort, isProxied: isProxied);

    private static EndpointAllocator Allocate(EndpointAnnotation[] endpoints, Dictionary<string, string?>? configuration = null)
    {
        var allocator = new EndpointAllocator(new ConfigurationBuilder().AddInMemoryCollection(configuration).Build());
        allocator.Allocate(endpoints);
        return allocator;
    }
}
