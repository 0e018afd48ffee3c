namespace Etcd.Client;

/// <summary>
/// A client of an etcd cluster. One is enough for a whole application: it is safe for concurrent use, shares its connections among all
/// calls, and connects with the first call.
/// </summary>
public interface IEtcdClient : IAsyncDisposable
{
    /// <summary>Keys and values.</summary>
    IEtcdKv Kv { get; }

    /// <summary>Watches.</summary>
    IEtcdWatch Watch { get; }

    /// <summary>Leases and sessions.</summary>
    IEtcdLeases Leases { get; }

    /// <summary>Members.</summary>
    IEtcdCluster Cluster { get; }

    /// <summary>What those who run the cluster do with it.</summary>
    IEtcdMaintenance Maintenance { get; }

    /// <summary>Users, roles and permissions.</summary>
    IEtcdAuth Auth { get; }

    /// <summary>
    /// This client with a prefix for all keys of its calls, watches and transactions, behind the prefix that it has already. It shares
    /// this client's connections and ends with it; its own disposal does nothing.
    /// </summary>
    /// <example>
    /// <code>
    /// IEtcdClient tenant = client.WithNamespace("tenants/7/");
    /// await tenant.Kv.PutAsync("color", "blue");   // tenants/7/color
    /// </code>
    /// </example>
    IEtcdClient WithNamespace(EtcdKey prefix);
}
