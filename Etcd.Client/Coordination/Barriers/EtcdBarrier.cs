namespace Etcd.Client;

/// <summary>
/// A barrier: while it is up, those who come to it wait. It works together with Go's recipe Barrier of the same key. Safe for
/// concurrent use.
/// </summary>
/// <example>
/// <code>
/// var maintenance = new EtcdBarrier(client, "maintenance");
/// await maintenance.HoldAsync();
/// await MigrateAsync();
/// await maintenance.ReleaseAsync();   // meanwhile others were in: await maintenance.WaitAsync();
/// </code>
/// </example>
public sealed class EtcdBarrier
{
    private readonly IEtcdClient _client;
    private readonly EtcdKey _key;

    /// <summary>Names a barrier.</summary>
    /// <param name="client">Where it is.</param>
    /// <param name="key">The key that is there while the barrier is up.</param>
    public EtcdBarrier(IEtcdClient client, EtcdKey key)
    {
        ArgumentNullException.ThrowIfNull(client);
        _client = client;
        _key = key;
    }

    /// <summary>Puts the barrier up.</summary>
    /// <param name="session">Whose end takes it down; null for a barrier that stays until somebody takes it down.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <returns>Whether it was down before.</returns>
    public async ValueTask<bool> HoldAsync(EtcdSession? session = null, CancellationToken cancellationToken = default)
    {
        var options = new EtcdPutOptions { Lease = session?.LeaseId ?? default };
        EtcdTxnResult result = await _client.Kv.CommitAsync(
            new EtcdTxn().If(EtcdCompare.NotExists(_key)).Then(EtcdOp.Put(_key, default, options)), null, cancellationToken).ConfigureAwait(false);
        return result.Succeeded;
    }

    /// <summary>Takes the barrier down: all who wait go on.</summary>
    /// <returns>Whether it was up.</returns>
    public ValueTask<bool> ReleaseAsync(CancellationToken cancellationToken = default) => _client.Kv.DeleteAsync(_key, cancellationToken);

    /// <summary>Waits until the barrier is down.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken = default)
    {
        var keysOnly = new EtcdRangeOptions { KeysOnly = true };
        while (true)
        {
            EtcdRangeResult found = await _client.Kv.GetRangeAsync(EtcdRange.Single(_key), keysOnly, cancellationToken).ConfigureAwait(false);
            if (found.Items.Count == 0)
                return;
            if (await Line.UntilDeletedAsync(_client, _key, found.Header.Revision, cancellationToken).ConfigureAwait(false))
                return;
        }
    }
}
