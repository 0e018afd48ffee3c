using Etcd.Client;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds etcd clients to an application's services.</summary>
public static class EtcdClientServiceCollectionExtensions
{
    /// <summary>
    /// Adds an <see cref="IEtcdClient"/> for the whole application, which logs where the application does. Wrong options are found when the
    /// application starts; connections are made with the first call.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="connectionString">See <see cref="EtcdClientOptions.Parse"/>.</param>
    /// <example>
    /// <code>
    /// services.AddEtcdClient("http://localhost:2379");
    /// </code>
    /// </example>
    public static IServiceCollection AddEtcdClient(this IServiceCollection services, string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        return services.AddEtcdClient(options => options.ApplyConnectionString(connectionString));
    }

    /// <inheritdoc cref="AddEtcdClient(IServiceCollection, string)"/>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the options.</param>
    public static IServiceCollection AddEtcdClient(this IServiceCollection services, Action<EtcdClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddEtcdClient((_, options) => configure(options));
    }

    /// <inheritdoc cref="AddEtcdClient(IServiceCollection, string)"/>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the options, with what other services know.</param>
    public static IServiceCollection AddEtcdClient(this IServiceCollection services, Action<IServiceProvider, EtcdClientOptions> configure)
    {
        Configure(services, Options.Options.DefaultName, configure);
        services.TryAddSingleton<IEtcdClient>(provider => Create(provider, Options.Options.DefaultName));
        return services;
    }

    /// <summary>Adds an <see cref="IEtcdClient"/> under a key, for applications with several clusters.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The key, and the name of the options.</param>
    /// <param name="connectionString">See <see cref="EtcdClientOptions.Parse"/>.</param>
    public static IServiceCollection AddKeyedEtcdClient(this IServiceCollection services, string name, string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        return services.AddKeyedEtcdClient(name, options => options.ApplyConnectionString(connectionString));
    }

    /// <inheritdoc cref="AddKeyedEtcdClient(IServiceCollection, string, string)"/>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The key, and the name of the options.</param>
    /// <param name="configure">Sets the options.</param>
    public static IServiceCollection AddKeyedEtcdClient(this IServiceCollection services, string name, Action<EtcdClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddKeyedEtcdClient(name, (_, options) => configure(options));
    }

    /// <inheritdoc cref="AddKeyedEtcdClient(IServiceCollection, string, string)"/>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The key, and the name of the options.</param>
    /// <param name="configure">Sets the options, with what other services know.</param>
    public static IServiceCollection AddKeyedEtcdClient(
        this IServiceCollection services, string name, Action<IServiceProvider, EtcdClientOptions> configure)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Configure(services, name, configure);
        services.TryAddKeyedSingleton<IEtcdClient>(name, (provider, _) => Create(provider, name));
        return services;
    }

    private static void Configure(IServiceCollection services, string name, Action<IServiceProvider, EtcdClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<EtcdClientOptions>, EtcdClientOptionsValidator>());
        services.AddOptions<EtcdClientOptions>(name)
            .Configure<IServiceProvider>((options, provider) => configure(provider, options))
            .ValidateOnStart();
    }

    private static EtcdClient Create(IServiceProvider provider, string name) => new(
        provider.GetRequiredService<IOptionsMonitor<EtcdClientOptions>>().Get(name), provider.GetService<ILoggerFactory>());
}
