using Etcd.Configuration.Diagnostics;
using Etcd.Configuration.Health;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Connects the configuration's providers with the application's services.</summary>
public static class EtcdConfigurationServicesExtensions
{
    /// <summary>The name of the health check.</summary>
    public const string HealthCheckName = "Etcd.Configuration";

    /// <summary>
    /// Lets the providers log where the application does, from its start on; what they had to say before is logged then.
    /// </summary>
    public static IServiceCollection AddEtcdConfiguration(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, LoggingConnector>());
        return services;
    }

    /// <summary>Adds a check of the settings' age and revision.</summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="failureStatus">What a failure means. Degraded by default: the settings are old, and the application works.</param>
    /// <param name="tags">Tags for filters.</param>
    public static IHealthChecksBuilder AddEtcdConfiguration(
        this IHealthChecksBuilder builder,
        string name = HealthCheckName,
        HealthStatus failureStatus = HealthStatus.Degraded,
        IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(
            name,
            services => new EtcdConfigurationHealthCheck(services.GetRequiredService<IConfiguration>()),
            failureStatus,
            tags));
    }
}
