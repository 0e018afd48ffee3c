using Etcd.Client.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.ServiceDiscovery;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds etcd to .NET's service discovery.</summary>
public static class EtcdServiceDiscoveryExtensions
{
    /// <summary>
    /// Finds services by their endpoints in etcd, which are those of Go's naming/endpoints, by the application's
    /// <see cref="Etcd.Client.IEtcdClient"/>. What an earlier provider has found, such as one of the configuration, counts before that.
    /// </summary>
    /// <param name="services">The application's services, with service discovery.</param>
    /// <param name="configure">Sets where the endpoints are.</param>
    /// <returns>The services.</returns>
    /// <example>
    /// <code>
    /// builder.AddEtcdClient("etcd");
    /// builder.Services.AddServiceDiscovery().AddEtcdServiceEndpointProvider();
    /// builder.Services.AddHttpClient("orders", http => http.BaseAddress = new Uri("http://orders")).AddServiceDiscovery();
    /// </code>
    /// </example>
    public static IServiceCollection AddEtcdServiceEndpointProvider(
        this IServiceCollection services, Action<EtcdServiceDiscoveryOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<EtcdServiceDiscoveryOptions> options = services.AddOptions<EtcdServiceDiscoveryOptions>()
            .Validate(static o => o.Timeout > TimeSpan.Zero, "Timeout must be positive.")
            .Validate(static o => o.Prefix is not null && o.Handles is not null, "Prefix and Handles must not be null.");
        if (configure is not null)
            options.Configure(configure);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceEndpointProviderFactory, EtcdServiceEndpointProviderFactory>());
        return services;
    }
}
