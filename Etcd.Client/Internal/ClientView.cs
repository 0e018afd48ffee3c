namespace Etcd.Client;

/// <summary>A client below a namespace, on a connection that it does not own.</summary>
internal sealed class ClientView : IEtcdClient
{
    private readonly EtcdConnection _connection;
    private readonly EtcdKey _prefix;

    public ClientView(EtcdConnection connection, EtcdKey prefix)
    {
        _connection = connection;
        _prefix = prefix;
        var kv = new KvClient(connection, prefix);
        Kv = kv;
        Watch = new WatchClient(connection, kv, prefix);
        Leases = new LeaseClient(connection, prefix, this);
        Cluster = new ClusterClient(connection);
        Maintenance = new MaintenanceClient(connection);
        Auth = new AuthClient(connection);
    }

    public IEtcdKv Kv { get; }

    public IEtcdWatch Watch { get; }

    public IEtcdLeases Leases { get; }

    public IEtcdCluster Cluster { get; }

    public IEtcdMaintenance Maintenance { get; }

    public IEtcdAuth Auth { get; }

    public IEtcdClient WithNamespace(EtcdKey prefix) => new ClientView(_connection, _prefix.Append(prefix));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
