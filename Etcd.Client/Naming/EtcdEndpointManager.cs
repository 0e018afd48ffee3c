using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Etcd.Client;

/// <summary>
/// Says where the instances of a service are, and finds them. It works together with Go's naming/endpoints and its gRPC resolver of the same
/// target. Safe for concurrent use.
/// </summary>
/// <remarks>
/// An endpoint is a key below <c>target/</c>, with JSON that has its address. Give it the lease of a session, and it is gone soon after its
/// process is.
/// </remarks>
/// <example>
/// <code>
/// await using EtcdSession session = await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(10));
/// var orders = new EtcdEndpointManager(client, "services/orders");
/// await orders.AddAsync("host-1", new EtcdServiceEndpoint("10.0.0.7:8080"), session.LeaseId);
/// await foreach (EtcdEndpointSet now in orders.FollowAsync(stopping))
///     Console.WriteLine(string.Join(", ", now.Endpoints.Values.Select(endpoint => endpoint.Address)));
/// </code>
/// </example>
public sealed class EtcdEndpointManager
{
    private static readonly EtcdWatchOptions Changes = new() { OnCompaction = EtcdCompactionPolicy.ListAgain };

    private readonly IEtcdClient _client;
    private readonly EtcdKey _folder;

    /// <summary>Names a service.</summary>
    /// <param name="client">Where its endpoints are.</param>
    /// <param name="target">The service's name, without a slash at the end.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public EtcdEndpointManager(IEtcdClient client, EtcdKey target)
    {
        ArgumentNullException.ThrowIfNull(client);
        if (target.IsEmpty)
            throw new ArgumentException("The name of a service must not be empty.", nameof(target));
        _client = client;
        _folder = target.Append("/");
        Target = target;
    }

    /// <summary>The service's name.</summary>
    public EtcdKey Target { get; }

    /// <summary>Adds an endpoint, or replaces it.</summary>
    /// <param name="id">What tells it from the others of the service; its key is <c>target/id</c>.</param>
    /// <param name="endpoint">Where it is.</param>
    /// <param name="lease">What it ends with; none for an endpoint that stays until it is removed.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <returns>The revision from which on it is there.</returns>
    public async ValueTask<long> AddAsync(
        EtcdKey id, EtcdServiceEndpoint endpoint, EtcdLeaseId lease = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        var options = new EtcdPutOptions { Lease = lease };
        return (await _client.Kv.PutAsync(KeyOf(id), EndpointJson.Write(endpoint), options, cancellationToken).ConfigureAwait(false)).Revision;
    }

    /// <summary>Removes an endpoint.</summary>
    /// <returns>Whether it was there.</returns>
    public ValueTask<bool> RemoveAsync(EtcdKey id, CancellationToken cancellationToken = default) =>
        _client.Kv.DeleteAsync(KeyOf(id), cancellationToken);

    /// <summary>Adds and removes endpoints in one revision: who follows sees all of it or nothing.</summary>
    /// <param name="endpoints">The endpoints by their ids; null for those to remove.</param>
    /// <param name="lease">What those that are added end with.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <returns>The revision.</returns>
    public async ValueTask<long> UpdateAsync(
        IEnumerable<KeyValuePair<EtcdKey, EtcdServiceEndpoint?>> endpoints, EtcdLeaseId lease = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var options = new EtcdPutOptions { Lease = lease };
        EtcdOp[] changes =
        [
            .. endpoints.Select(pair => pair.Value is { } endpoint
                ? (EtcdOp)EtcdOp.Put(KeyOf(pair.Key), EndpointJson.Write(endpoint), options)
                : EtcdOp.Delete(KeyOf(pair.Key))),
        ];
        return (await _client.Kv.CommitAsync(new EtcdTxn().Then(changes), null, cancellationToken).ConfigureAwait(false)).Revision;
    }

    /// <summary>The endpoints as they are. Keys that are no endpoints are passed over.</summary>
    public async ValueTask<EtcdEndpointSet> ListAsync(CancellationToken cancellationToken = default)
    {
        ImmutableSortedDictionary<EtcdKey, EtcdServiceEndpoint> all = ImmutableSortedDictionary<EtcdKey, EtcdServiceEndpoint>.Empty;
        long revision = 0;
        await foreach (EtcdPage page in _client.Kv.ListPagesAsync(EtcdRange.Prefix(_folder), null, cancellationToken).ConfigureAwait(false))
        {
            revision = page.Revision;
            all = all.AddRange(
                from item in page.Items
                let endpoint = EndpointJson.Read(item.Value)
                where endpoint is not null
                select KeyValuePair.Create(item.Key, endpoint));
        }

        return new EtcdEndpointSet(revision, all);
    }

    /// <summary>
    /// Tells the endpoints, and all of them again after each revision that has changed some. While the cluster cannot be reached nothing is
    /// told: the last that was told is the best that is known.
    /// </summary>
    /// <exception cref="EtcdException">The endpoints cannot be read or watched.</exception>
    public async IAsyncEnumerable<EtcdEndpointSet> FollowAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ImmutableSortedDictionary<EtcdKey, EtcdServiceEndpoint> all = ImmutableSortedDictionary<EtcdKey, EtcdServiceEndpoint>.Empty;
        await foreach (EtcdWatchBatch batch in _client.Watch.GetThenWatchAsync(
            EtcdRange.Prefix(_folder), Changes, cancellationToken).ConfigureAwait(false))
        {
            if (batch.StartsSnapshot)
                all = all.Clear();
            foreach (EtcdWatchEvent change in batch.Events)
                all = EndpointOf(change) is { } endpoint ? all.SetItem(change.Key, endpoint) : all.Remove(change.Key);
            if (batch.Kind == EtcdWatchBatchKind.Events || batch.EndsSnapshot)
                yield return new EtcdEndpointSet(batch.Revision, all);
        }
    }

    // A key that holds an endpoint no more, whatever it holds, is an endpoint that is gone.
    private static EtcdServiceEndpoint? EndpointOf(EtcdWatchEvent change) =>
        change.Type == EtcdEventType.Put ? EndpointJson.Read(change.Value) : null;

    private EtcdKey KeyOf(EtcdKey id) => id.IsEmpty
        ? throw new ArgumentException("The id of an endpoint must not be empty.", nameof(id))
        : _folder.Append(id);
}
