using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.ServiceDiscovery;

namespace Etcd.Client.Hosting;

/// <summary>Makes a provider for each service that is looked for.</summary>
internal sealed class EtcdServiceEndpointProviderFactory(
    IEtcdClient client, IOptions<EtcdServiceDiscoveryOptions> options, ILoggerFactory loggers) : IServiceEndpointProviderFactory
{
    private readonly ILogger _log = loggers.CreateLogger("Etcd.Client.Hosting");

    public bool TryCreateProvider(ServiceEndpointQuery query, [NotNullWhen(true)] out IServiceEndpointProvider? provider)
    {
        EtcdServiceDiscoveryOptions how = options.Value;
        provider = query.ServiceName.Length != 0 && how.Handles(query.ServiceName)
            ? new EtcdServiceEndpointProvider(new EtcdEndpointManager(client, how.Prefix + query.ServiceName), how.Timeout, _log)
            : null;
        return provider is not null;
    }
}
