namespace Etcd.Client;

/// <summary>
/// Leases. All that are kept alive share one stream, and are renewed at a third of their time to live. Safe for concurrent use.
/// </summary>
public interface IEtcdLeases
{
    /// <summary>Makes a lease that nobody renews: it ends after its time to live, unless <see cref="KeepAliveAsync"/> keeps it.</summary>
    /// <param name="timeToLive">Rounded up to whole seconds. The server may give more.</param>
    /// <param name="options">How; null for an id of the server's choice.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    ValueTask<EtcdLeaseGrant> GrantAsync(TimeSpan timeToLive, EtcdGrantOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Ends a lease and deletes its keys.</summary>
    /// <exception cref="EtcdLeaseNotFoundException">There is no such lease.</exception>
    ValueTask RevokeAsync(EtcdLeaseId lease, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Tells about a lease; null where there is none.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="keys">Whether to tell its keys.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    ValueTask<EtcdLeaseInfo?> TimeToLiveAsync(EtcdLeaseId lease, bool keys = false, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>All leases there are.</summary>
    ValueTask<IReadOnlyList<EtcdLeaseId>> ListAsync(EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Renews a lease once.</summary>
    /// <returns>Its time to live, which begins again.</returns>
    /// <exception cref="EtcdLeaseNotFoundException">There is no such lease.</exception>
    ValueTask<TimeSpan> KeepAliveOnceAsync(EtcdLeaseId lease, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Keeps a lease alive until the keeper is disposed of, which does not revoke it.</summary>
    /// <exception cref="EtcdLeaseNotFoundException">There is no such lease.</exception>
    ValueTask<EtcdLeaseKeeper> KeepAliveAsync(EtcdLeaseId lease, CancellationToken cancellationToken = default);

    /// <summary>Makes a lease, keeps it alive, and revokes it with the session's disposal.</summary>
    /// <param name="timeToLive">
    /// How long keys of the session outlive a client that dies, and how long a client that is cut off goes on before its session is lost.
    /// Rounded up to whole seconds.
    /// </param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <example>
    /// <code>
    /// await using EtcdSession session = await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(10));
    /// await client.Kv.PutAsync("workers/1", "here", new EtcdPutOptions { Lease = session.LeaseId });
    /// await DoWorkAsync(session.LostToken);
    /// </code>
    /// </example>
    ValueTask<EtcdSession> CreateSessionAsync(TimeSpan timeToLive, CancellationToken cancellationToken = default);

    /// <summary>A session on a lease that exists, which the session's disposal revokes.</summary>
    /// <exception cref="EtcdLeaseNotFoundException">There is no such lease.</exception>
    ValueTask<EtcdSession> ResumeSessionAsync(EtcdLeaseId lease, CancellationToken cancellationToken = default);
}
