using Etcd.Client.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds elections to an application's services.</summary>
public static class EtcdLeaderElectionExtensions
{
    /// <summary>
    /// Makes this instance take part in an election, by the application's <see cref="Etcd.Client.IEtcdClient"/>, for as long as it runs. How
    /// the election stands is told by <see cref="IEtcdLeaderElection"/>, under the election's name as key; the first election is there without
    /// a key too.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The election's name: that of a key's folder in the store.</param>
    /// <param name="configure">Sets how this instance takes part.</param>
    /// <returns>What says which services run on the leader.</returns>
    /// <example>
    /// <code>
    /// builder.AddEtcdClient("etcd");
    /// builder.Services.AddEtcdLeaderElection("elections/scheduler").AddHostedService&lt;Scheduler&gt;();
    /// </code>
    /// </example>
    public static EtcdLeaderElectionBuilder AddEtcdLeaderElection(
        this IServiceCollection services, string name, Action<EtcdLeaderElectionOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<EtcdLeaderElectionOptions>, EtcdLeaderElectionOptionsValidator>());
        OptionsBuilder<EtcdLeaderElectionOptions> options = services.AddOptions<EtcdLeaderElectionOptions>(name).ValidateOnStart();
        if (configure is not null)
            options.Configure(configure);
        if (services.Any(service => service.ServiceType == typeof(LeaderElectionState) && Equals(service.ServiceKey, name)))
            return new EtcdLeaderElectionBuilder(services, name);

        services.AddKeyedSingleton(name, (provider, _) => new LeaderElectionState(name, provider));
        services.AddKeyedSingleton<IEtcdLeaderElection>(name, (provider, _) => provider.GetRequiredKeyedService<LeaderElectionState>(name));
        services.TryAddSingleton<IEtcdLeaderElection>(provider => provider.GetRequiredKeyedService<LeaderElectionState>(name));
        services.AddSingleton<IHostedService>(provider => new LeaderElectionService(
            provider.GetRequiredKeyedService<LeaderElectionState>(name),
            provider.GetRequiredService<IServiceScopeFactory>(),
            provider.GetKeyedServices<LeaderServiceFactory>(name),
            provider.GetService<TimeProvider>() ?? TimeProvider.System,
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("Etcd.Client.Hosting")));
        return new EtcdLeaderElectionBuilder(services, name);
    }
}
