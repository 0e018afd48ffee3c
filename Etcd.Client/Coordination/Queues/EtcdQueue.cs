namespace Etcd.Client;

/// <summary>
/// A queue for any number of writers and readers, who get the items in the order in which they were written. It works together
/// with Go's recipe Queue of the same name. Safe for concurrent use.
/// </summary>
/// <remarks>
/// An item is a key <c>name/</c> with a unique name behind it. It is given to one reader and is gone then: a reader that dies with it has lost
/// it. Where the answer is lost on the way the exception's <see cref="EtcdException.OutcomeUnknown"/> says so.
/// </remarks>
/// <example>
/// <code>
/// var jobs = new EtcdQueue(client, "jobs");
/// await jobs.EnqueueAsync("resize picture 7");
/// EtcdKeyValue job = await jobs.DequeueAsync(stopping);
/// </code>
/// </example>
public sealed class EtcdQueue
{
    private readonly IEtcdClient _client;
    private readonly EtcdKey _name;
    private readonly QueueReader _reader;

    /// <summary>Names a queue.</summary>
    public EtcdQueue(IEtcdClient client, EtcdKey name)
    {
        ArgumentNullException.ThrowIfNull(client);
        _client = client;
        _name = name;
        _reader = new QueueReader(client, EtcdRange.Prefix(name.Append("/")), EtcdSortBy.ModRevision);
    }

    /// <summary>Adds an item.</summary>
    public async ValueTask EnqueueAsync(EtcdValue value, CancellationToken cancellationToken = default)
    {
        bool done = false;
        while (!done)
        {
            EtcdKey key = UniqueKeys.Below(_name, TimeProvider.System);
            EtcdTxn create = new EtcdTxn().If(EtcdCompare.NotExists(key)).Then(EtcdOp.Put(key, value));
            done = (await _client.Kv.CommitAsync(create, null, cancellationToken).ConfigureAwait(false)).Succeeded;
        }
    }

    /// <summary>Waits for an item and takes it.</summary>
    public ValueTask<EtcdKeyValue> DequeueAsync(CancellationToken cancellationToken = default) => _reader.TakeAsync(cancellationToken);

    /// <summary>Takes the first item; null where there is none.</summary>
    public ValueTask<EtcdKeyValue?> TryDequeueAsync(CancellationToken cancellationToken = default) => _reader.TryTakeAsync(cancellationToken);
}
