using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Orchestration;

/// <summary>
/// Gives the endpoints of processes their addresses, and each proxied one its proxy. Ports that were asked for are kept
/// (a test may ask for random ones in place of proxied endpoints' fixed ports: DcpPublisher:RandomizePorts).
/// </summary>
internal sealed class EndpointAllocator(IConfiguration configuration) : IAsyncDisposable
{
    private readonly Ports _ports = new();
    private readonly List<TcpProxy> _proxies = [];

    private bool RandomizePorts => configuration.GetValue("DcpPublisher:RandomizePorts", false);

    public void Allocate(IReadOnlyCollection<EndpointAnnotation> endpoints)
    {
        foreach (var fixedPort in endpoints.SelectMany(e => new[] { e.Port, e.TargetPort }).OfType<int>())
        {
            _ports.Exclude(fixedPort);
        }

        foreach (var endpoint in endpoints)
        {
            if (endpoint.IsProxied)
            {
                AllocateProxied(endpoint);
            }
            else
            {
                Finish(endpoint, endpoint.Port ??= _ports.Choose(), (endpoint.TargetPort ?? endpoint.Port).Value);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in _proxies)
        {
            await proxy.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static void Finish(EndpointAnnotation endpoint, int port, int targetPort) =>
        endpoint.AllocatedEndpoint = new AllocatedEndpoint(
            endpoint,
            endpoint.TargetHost is "localhost" or "127.0.0.1" or "0.0.0.0" or "::" or "*" ? KnownHostNames.Localhost : endpoint.TargetHost,
            port,
            targetPort.ToString(CultureInfo.InvariantCulture));

    private void AllocateProxied(EndpointAnnotation endpoint)
    {
        endpoint.TargetPort ??= _ports.Choose();
        var port = RandomizePorts || endpoint.Port is null ? _ports.Choose() : endpoint.Port.Value;
        if (port == endpoint.TargetPort)
        {
            throw new DistributedApplicationException(
                $"The endpoint '{endpoint.Name}' is proxied, so its port and its target port ({port}) must differ. "
                + "Use isProxied: false where the process is to listen on the port itself.");
        }

        _proxies.Add(TcpProxy.Start(port, endpoint.TargetPort.Value));
        Finish(endpoint, port, endpoint.TargetPort.Value);
    }
}
