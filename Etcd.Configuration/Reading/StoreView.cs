using System.Collections.Immutable;
using Etcd.Client;

namespace Etcd.Configuration.Reading;

/// <summary>
/// What etcd has in the provider's ranges, all of it at one revision. Immutable.
/// Invariant: no part of it is of another revision than <see cref="Revision"/>; that is what keeps mixtures out of the configuration.
/// </summary>
internal sealed class StoreView
{
    private readonly ImmutableArray<ImmutableSortedDictionary<EtcdKey, EtcdKeyValue>> _roots;

    public StoreView(long revision, ImmutableArray<ImmutableSortedDictionary<EtcdKey, EtcdKeyValue>> roots)
    {
        Revision = revision;
        _roots = roots;
    }

    /// <summary>The revision.</summary>
    public long Revision { get; }

    /// <summary>Whether there is no key at all.</summary>
    public bool IsEmpty => _roots.All(root => root.IsEmpty);

    /// <summary>The same content, which later revisions have not changed.</summary>
    public StoreView At(long revision) => new(revision, _roots);

    /// <summary>The content of one range, to go on from.</summary>
    public ImmutableSortedDictionary<EtcdKey, EtcdKeyValue> Root(int index) => _roots[index];

    /// <summary>All keys of a range that lies in one of the provider's, in order.</summary>
    public IEnumerable<EtcdKeyValue> In(EtcdRange range) =>
        from root in _roots from pair in root where range.Contains(pair.Key) select pair.Value;
}
