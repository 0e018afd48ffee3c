using Microsoft.Extensions.Logging;

namespace Etcd.Client;

/// <summary>
/// A client of an etcd cluster; see <see cref="IEtcdClient"/>. Making one does not connect. The disposal ends calls, watches and
/// renewals; sessions that are still open are lost, and their leases end by themselves.
/// </summary>
/// <example>
/// <code>
/// await using var client = new EtcdClient("http://localhost:2379");
/// await client.Kv.PutAsync("greeting", "hello");
/// Console.WriteLine((await client.Kv.GetAsync("greeting"))?.Value);
/// </code>
/// </example>
public sealed class EtcdClient : IEtcdClient
{
    private readonly EtcdConnection _connection;
    private readonly ClientView _view;

    /// <summary>Makes a client by a connection string; see <see cref="EtcdClientOptions.Parse"/>.</summary>
    /// <exception cref="FormatException">The string cannot be read.</exception>
    /// <exception cref="ArgumentException">It says something that makes no sense.</exception>
    public EtcdClient(string connectionString)
        : this(EtcdClientOptions.Parse(connectionString))
    {
    }

    /// <summary>Makes a client.</summary>
    /// <param name="options">How it connects and works.</param>
    /// <param name="loggerFactory">Where it logs, under the category Etcd.Client; null for nowhere.</param>
    /// <exception cref="ArgumentException">The options make no sense; the message names everything that is wrong.</exception>
    public EtcdClient(EtcdClientOptions options, ILoggerFactory? loggerFactory = null)
    {
        _connection = new EtcdConnection(options, loggerFactory);
        _view = new ClientView(_connection, options.Namespace is { Length: > 0 } prefix ? prefix : default(EtcdKey));
    }

    /// <inheritdoc/>
    public IEtcdKv Kv => _view.Kv;

    /// <inheritdoc/>
    public IEtcdWatch Watch => _view.Watch;

    /// <inheritdoc/>
    public IEtcdLeases Leases => _view.Leases;

    /// <inheritdoc/>
    public IEtcdCluster Cluster => _view.Cluster;

    /// <inheritdoc/>
    public IEtcdMaintenance Maintenance => _view.Maintenance;

    /// <inheritdoc/>
    public IEtcdAuth Auth => _view.Auth;

    /// <inheritdoc/>
    public IEtcdClient WithNamespace(EtcdKey prefix) => _view.WithNamespace(prefix);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
