using System.Globalization;

namespace Etcd.Client;

/// <summary>
/// A queue whose items have priorities: readers get those of the lowest number first, and of one number those that were written
/// first. It works together with Go's recipe PriorityQueue of the same name. Safe for concurrent use.
/// </summary>
/// <remarks>
/// An item is a key <c>name/priority/number</c>, with five and sixteen digits; <c>__name/priority</c> keeps numbers from being given twice. For what
/// becomes of items see <see cref="EtcdQueue"/>.
/// </remarks>
/// <example>
/// <code>
/// var jobs = new EtcdPriorityQueue(client, "jobs");
/// await jobs.EnqueueAsync("tidy up", priority: 100);
/// await jobs.EnqueueAsync("answer the customer", priority: 1);
/// EtcdKeyValue first = await jobs.DequeueAsync(stopping);   // answer the customer
/// </code>
/// </example>
public sealed class EtcdPriorityQueue
{
    private static readonly EtcdRangeOptions Last = new() { Order = EtcdSortOrder.Descending, Limit = 1, KeysOnly = true };

    private readonly IEtcdClient _client;
    private readonly EtcdKey _name;
    private readonly QueueReader _reader;

    /// <summary>Names a queue.</summary>
    public EtcdPriorityQueue(IEtcdClient client, EtcdKey name)
    {
        ArgumentNullException.ThrowIfNull(client);
        _client = client;
        _name = name;
        _reader = new QueueReader(client, EtcdRange.Prefix(name.Append("/")), EtcdSortBy.Key);
    }

    /// <summary>Adds an item.</summary>
    /// <param name="value">The item.</param>
    /// <param name="priority">What it comes by; 0 comes first.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    public async ValueTask EnqueueAsync(EtcdValue value, ushort priority, CancellationToken cancellationToken = default)
    {
        EtcdKey folder = _name.Append("/" + priority.ToString("D5", CultureInfo.InvariantCulture));
        EtcdKey guard = new EtcdKey("__").Append(folder);
        bool done = false;
        while (!done)
        {
            EtcdRangeResult last = await _client.Kv.GetRangeAsync(
                EtcdRange.Prefix(folder.Append("/")), Last, cancellationToken).ConfigureAwait(false);
            EtcdKey key = folder.Append("/" + NumberAfter(last).ToString("D16", CultureInfo.InvariantCulture));
            // Without the guard a number could be given again whose item was taken between the look and the write.
            EtcdTxn create = new EtcdTxn()
                .If(EtcdCompare.ModRevision(guard).LessThan(last.Header.Revision + 1))
                .Then(EtcdOp.Put(guard, default), EtcdOp.Put(key, value));
            done = (await _client.Kv.CommitAsync(create, null, cancellationToken).ConfigureAwait(false)).Succeeded;
        }
    }

    /// <summary>Waits for an item and takes the first.</summary>
    public ValueTask<EtcdKeyValue> DequeueAsync(CancellationToken cancellationToken = default) => _reader.TakeAsync(cancellationToken);

    /// <summary>Takes the first item; null where there is none.</summary>
    public ValueTask<EtcdKeyValue?> TryDequeueAsync(CancellationToken cancellationToken = default) => _reader.TryTakeAsync(cancellationToken);

    private static long NumberAfter(EtcdRangeResult last)
    {
        if (last.Items.Count == 0)
            return 0;
        string key = last.Items[0].Key.ToString();
        return long.TryParse(key.AsSpan(key.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number + 1
            : throw new EtcdException($"The queue has a key that is not one of its items: {key}");
    }
}
