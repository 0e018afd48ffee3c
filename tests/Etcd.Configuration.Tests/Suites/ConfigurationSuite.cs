using System.Collections.Concurrent;
using Etcd.Client;
using Etcd.Client.Tests.Suites;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace Etcd.Configuration.Tests.Suites;

/// <summary>What the suites share; each is run against a member of this project and against the real etcd.</summary>
public abstract class ConfigurationSuite : ClientSuite
{
    private EtcdClient? _client;

    /// <summary>A client that writes what the configuration reads.</summary>
    protected EtcdClient Client => _client ??= NewClient();

    protected async Task<long> PutAsync(string key, EtcdValue value) => (await Client.Kv.PutAsync(Prefix + key, value, null, Token)).Revision;

    /// <summary>Writes several keys in one revision.</summary>
    protected async Task PutTogetherAsync(params (string Key, string Value)[] pairs) => await Client.Kv.CommitAsync(
        new EtcdTxn().Then([.. pairs.Select(pair => (EtcdOp)EtcdOp.Put(Prefix + pair.Key, pair.Value))]), null, Token);

    /// <summary>Builds a configuration of the keys below the test's prefix.</summary>
    protected IConfigurationRoot Build(Action<EtcdConfigurationSource> configure, string? url = null)
    {
        IConfigurationRoot root = new ConfigurationBuilder()
            .AddEtcd(source =>
            {
                source.ConnectionString = url ?? Url;
                source.LoadTimeout = Patience;
                configure(source);
            })
            .Build();
        Keep(new Ending(root));
        return root;
    }

    /// <summary>As <see cref="Build"/>, with all keys below the prefix, and following changes.</summary>
    protected IConfigurationRoot Follow(Action<EtcdConfigurationSource>? configure = null, string? url = null) => Build(
        source =>
        {
            source.AddPrefix(Prefix);
            source.ReloadOnChange = true;
            configure?.Invoke(source);
        },
        url);

    protected static EtcdConfigurationProvider ProviderOf(IConfigurationRoot root) => Assert.Single(root.GetEtcdProviders());

    /// <summary>Notes what a function gives each time that the configuration has changed.</summary>
    protected static ConcurrentQueue<T> Record<T>(IConfiguration configuration, Func<T> read)
    {
        var seen = new ConcurrentQueue<T>();
        ChangeToken.OnChange(configuration.GetReloadToken, () => seen.Enqueue(read()));
        return seen;
    }

    private sealed class Ending(IConfigurationRoot root) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (EtcdConfigurationProvider provider in root.GetEtcdProviders())
            {
                await provider.DisposeAsync();
            }
        }
    }
}

/// <summary>Keeps the lines that are logged.</summary>
internal sealed class LogLines : ILoggerFactory, ILogger
{
    public ConcurrentQueue<string> All { get; } = [];

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        All.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}
