namespace Etcd.Client.Hosting;

/// <summary>How an election stands for this instance. A service of the application, under the election's name as key. Safe for concurrent use.</summary>
/// <example>
/// <code>
/// builder.AddEtcdClient("etcd");
/// builder.Services.AddEtcdLeaderElection("scheduler").AddHostedService&lt;Scheduler&gt;();
///
/// app.MapGet("/leader", async ([FromKeyedServices("scheduler")] IEtcdLeaderElection election) =>
///     election.IsLeader ? "this instance" : (await election.GetLeaderAsync())?.Value.ToString() ?? "nobody");
/// </code>
/// </example>
public interface IEtcdLeaderElection
{
    /// <summary>The election's name.</summary>
    string Name { get; }

    /// <summary>Whether this instance leads, and its services are not being stopped.</summary>
    bool IsLeader { get; }

    /// <summary>The leadership of this instance; null where it does not lead.</summary>
    EtcdLeadership? Leadership { get; }

    /// <summary>What the leader, whichever instance it is, says of itself; null where nobody leads.</summary>
    ValueTask<EtcdKeyValue?> GetLeaderAsync(CancellationToken cancellationToken = default);

    /// <summary>Tells who leads, and each new leader; see <see cref="EtcdElection.ObserveAsync(IEtcdClient, EtcdKey, CancellationToken)"/>.</summary>
    IAsyncEnumerable<EtcdKeyValue> ObserveAsync(CancellationToken cancellationToken = default);
}
