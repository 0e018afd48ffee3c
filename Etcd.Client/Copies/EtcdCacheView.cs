using System.Collections.Immutable;

namespace Etcd.Client;

/// <summary>A range as one revision of the store has it. Immutable.</summary>
public sealed class EtcdCacheView
{
    private static readonly ImmutableSortedDictionary<EtcdKey, EtcdKeyValue> Nothing =
        ImmutableSortedDictionary.Create<EtcdKey, EtcdKeyValue>();

    internal EtcdCacheView(long revision, ImmutableSortedDictionary<EtcdKey, EtcdKeyValue>? items = null)
    {
        Revision = revision;
        Map = items ?? Nothing;
    }

    /// <summary>The revision.</summary>
    public long Revision { get; }

    /// <summary>The keys, in order.</summary>
    public IEnumerable<EtcdKeyValue> Items => Map.Values;

    /// <summary>How many keys there are.</summary>
    public int Count => Map.Count;

    internal ImmutableSortedDictionary<EtcdKey, EtcdKeyValue> Map { get; }

    /// <summary>One key; null where it does not exist.</summary>
    public EtcdKeyValue? Get(EtcdKey key) => Map.GetValueOrDefault(key);

    /// <summary>The view after a batch of a watch.</summary>
    internal EtcdCacheView With(EtcdWatchBatch batch)
    {
        if (batch.Events.Count == 0 && !batch.StartsSnapshot)
            return new EtcdCacheView(batch.Revision, Map);
        ImmutableSortedDictionary<EtcdKey, EtcdKeyValue>.Builder builder = (batch.StartsSnapshot ? Nothing : Map).ToBuilder();
        foreach (EtcdWatchEvent change in batch.Events)
        {
            if (change.Type == EtcdEventType.Put)
                builder[change.Key] = change.KeyValue;
            else
                builder.Remove(change.Key);
        }

        return new EtcdCacheView(batch.Revision, builder.ToImmutable());
    }
}
