using Etcd.Configuration;

namespace Microsoft.Extensions.Configuration;

/// <summary>Settings from etcd.</summary>
public static class EtcdConfigurationExtensions
{
    /// <summary>Adds the keys below a prefix as settings: <c>config/Logging/Level</c> is <c>Logging:Level</c> with the prefix <c>config/</c>.</summary>
    /// <param name="builder">The configuration.</param>
    /// <param name="connectionString">Where etcd is, such as <c>http://localhost:2379</c>; see <see cref="EtcdConfigurationSource.ConnectionString"/>.</param>
    /// <param name="prefix">Which keys.</param>
    /// <param name="optional">Whether the application may start without; see <see cref="EtcdConfigurationSource.Optional"/>.</param>
    /// <param name="reloadOnChange">Whether changes are seen; see <see cref="EtcdConfigurationSource.ReloadOnChange"/>.</param>
    /// <example>
    /// <code>
    /// builder.Configuration.AddEtcd("http://localhost:2379", "config/orders/", reloadOnChange: true);
    /// </code>
    /// </example>
    public static IConfigurationBuilder AddEtcd(
        this IConfigurationBuilder builder, string connectionString, string prefix, bool optional = false, bool reloadOnChange = false)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        ArgumentNullException.ThrowIfNull(prefix);
        return builder.AddEtcd(source =>
        {
            source.ConnectionString = connectionString;
            source.AddPrefix(prefix);
            source.Optional = optional;
            source.ReloadOnChange = reloadOnChange;
        });
    }

    /// <summary>Adds settings from etcd; see <see cref="EtcdConfigurationSource"/>.</summary>
    /// <param name="builder">The configuration.</param>
    /// <param name="configureSource">Says where, which keys, and how.</param>
    public static IConfigurationBuilder AddEtcd(this IConfigurationBuilder builder, Action<EtcdConfigurationSource> configureSource)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configureSource);
        var source = new EtcdConfigurationSource();
        configureSource(source);
        return builder.Add(source);
    }

    /// <summary>The providers of etcd's settings in a configuration: how they are, and how to make them read again.</summary>
    /// <example>
    /// <code>
    /// foreach (EtcdConfigurationProvider provider in app.Configuration.GetEtcdProviders())
    ///     await provider.ReloadAsync();
    /// </code>
    /// </example>
    public static IEnumerable<EtcdConfigurationProvider> GetEtcdProviders(this IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration is not IConfigurationRoot root ? [] : root.Providers.SelectMany(provider => provider switch
        {
            EtcdConfigurationProvider etcd => [etcd],
            ChainedConfigurationProvider chained => chained.Configuration.GetEtcdProviders(),
            _ => [],
        });
    }

    /// <summary>
    /// Reads several settings that belong together, all of one revision of etcd. The reading is done again where settings were replaced
    /// meanwhile, so it should do nothing else.
    /// </summary>
    /// <remarks>Options that <c>IOptionsMonitor</c> binds when settings have changed need no such care.</remarks>
    /// <example>
    /// <code>
    /// (string? host, string? port) = root.ReadAtOneRevision(c => (c["Database:Host"], c["Database:Port"]));
    /// </code>
    /// </example>
    public static T ReadAtOneRevision<T>(this IConfigurationRoot configuration, Func<IConfiguration, T> read)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(read);
        EtcdConfigurationProvider[] providers = [.. configuration.GetEtcdProviders()];
        var wait = new SpinWait();
        while (true)
        {
            long[] before = [.. providers.Select(p => p.Version)];
            T result = read(configuration);
            // Without it the second look at the versions could be made before the reading's last one at the settings.
            Interlocked.MemoryBarrier();
            bool isWhole = before.All(long.IsEvenInteger) && providers.Select(p => p.Version).SequenceEqual(before);
            if (isWhole)
                return result;
            wait.SpinOnce();
        }
    }
}
