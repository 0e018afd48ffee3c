namespace Etcd.Client;

/// <summary>
/// Keeps a lease alive, and knows by this machine's clock until when it lasts for certain. The disposal ends the renewals and leaves
/// the lease to end by itself. Safe for concurrent use.
/// </summary>
/// <remarks>
/// A renewal counts from the moment in which it was sent, and a tenth of the time to live (at most a second) is left at the end for
/// clocks that run apart: so <see cref="LostToken"/> fires before any server can have ended the lease, unless somebody revoked it.
/// The token's callbacks run on the thread pool. A process that was suspended sees <see cref="IsLost"/> at once, and the token a moment later.
/// </remarks>
/// <example>
/// <code>
/// EtcdLeaseGrant lease = await client.Leases.GrantAsync(TimeSpan.FromMinutes(1));
/// await using EtcdLeaseKeeper keeper = await client.Leases.KeepAliveAsync(lease.Id);
/// await WorkAsync(keeper.LostToken);
/// </code>
/// </example>
public sealed class EtcdLeaseKeeper : IAsyncDisposable
{
    private readonly KeepAliveHub _hub;
    private readonly CancellationTokenSource _lost = new();

    internal EtcdLeaseKeeper(KeepAliveHub hub, KeptLease lease)
    {
        _hub = hub;
        Lease = lease;
        LostToken = _lost.Token;
    }

    /// <summary>The lease.</summary>
    public EtcdLeaseId LeaseId => Lease.Id;

    /// <summary>The time to live that the server gave last.</summary>
    public TimeSpan TimeToLive => _hub.TimeToLiveOf(Lease);

    /// <summary>How long the lease lasts for certain by this machine's clock; zero once it is lost.</summary>
    public TimeSpan Remaining => LostToken.IsCancellationRequested ? TimeSpan.Zero : _hub.RemainingOf(Lease);

    /// <summary>Whether the lease may have ended.</summary>
    public bool IsLost => Remaining == TimeSpan.Zero;

    /// <summary>Fires once, when the lease may have ended. It does not fire because of the disposal.</summary>
    public CancellationToken LostToken { get; }

    internal KeptLease Lease { get; }

    /// <summary>Whether it asks for renewals. The hub's.</summary>
    internal bool Renews { get; set; } = true;

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _hub.Remove(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Fires the token; on the thread pool, as its callbacks are the user's.</summary>
    internal void Lose() => _ = _lost.CancelAsync();
}
