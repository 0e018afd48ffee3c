namespace Etcd.Client;

/// <summary>The members of the cluster. Safe for concurrent use.</summary>
/// <example>
/// <code>
/// foreach (EtcdMember member in await client.Cluster.ListMembersAsync())
///     Console.WriteLine($"{member.Name}: {string.Join(", ", member.ClientUrls)}");
/// </code>
/// </example>
public interface IEtcdCluster
{
    /// <summary>All members.</summary>
    /// <param name="linearizable">Whether the list must be the latest, for which the cluster needs a leader.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    ValueTask<IReadOnlyList<EtcdMember>> ListMembersAsync(bool linearizable = true, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Adds a member that is to be started after that.</summary>
    ValueTask<EtcdMember> AddMemberAsync(IEnumerable<string> peerUrls, bool isLearner = false, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Removes a member.</summary>
    ValueTask RemoveMemberAsync(ulong memberId, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Changes where a member's peers find it.</summary>
    ValueTask UpdateMemberAsync(ulong memberId, IEnumerable<string> peerUrls, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Makes a learner vote.</summary>
    ValueTask PromoteMemberAsync(ulong memberId, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Replaces the client's endpoints by the client URLs that the voting members advertise. See
    /// <see cref="EtcdClientOptions.EndpointSyncInterval"/>.
    /// </summary>
    ValueTask SyncEndpointsAsync(CancellationToken cancellationToken = default);
}
