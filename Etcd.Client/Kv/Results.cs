using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>The answer to a range read.</summary>
public sealed class EtcdRangeResult
{
    internal EtcdRangeResult(RangeAnswer answer, int prefixLength)
    {
        Header = answer.Header;
        Items = answer.TakeItems(prefixLength);
        More = answer.More;
        Count = answer.Count;
    }

    internal EtcdRangeResult(RangeResponse message, int prefixLength)
    {
        Header = EtcdHeader.From(message.Header);
        Items = EtcdKeyValue.From(message.Kvs, prefixLength);
        More = message.More;
        Count = message.Count;
    }

    /// <summary>Who answered, and at which revision the store was.</summary>
    public EtcdHeader Header { get; }

    /// <summary>The keys, in the order that was asked for.</summary>
    public IReadOnlyList<EtcdKeyValue> Items { get; }

    /// <summary>Whether the limit left keys out.</summary>
    public bool More { get; }

    /// <summary>How many keys the range has, those that a limit left out included.</summary>
    public long Count { get; }
}

/// <summary>Some keys of a range that is read in parts.</summary>
public sealed class EtcdPage
{
    internal EtcdPage(ulong clusterId, long revision, IReadOnlyList<EtcdKeyValue> items, bool isLast)
    {
        ClusterId = clusterId;
        Revision = revision;
        Items = items;
        IsLast = isLast;
    }

    /// <summary>The cluster that all pages come from.</summary>
    public ulong ClusterId { get; }

    /// <summary>The revision at which all pages are read.</summary>
    public long Revision { get; }

    /// <summary>The keys, in order.</summary>
    public IReadOnlyList<EtcdKeyValue> Items { get; }

    /// <summary>Whether this is known to be the last page.</summary>
    public bool IsLast { get; }
}

/// <summary>The answer to a put.</summary>
/// <param name="Header">Who answered; its revision is the put's.</param>
/// <param name="Previous">What the key had before, if that was asked for and there was something.</param>
public readonly record struct EtcdPutResult(EtcdHeader Header, EtcdKeyValue? Previous)
{
    /// <summary>The revision of the put.</summary>
    public long Revision => Header.Revision;
}

/// <summary>The answer to a delete.</summary>
/// <param name="Header">Who answered; its revision is the delete's, if there was anything to delete.</param>
/// <param name="Deleted">How many keys were deleted.</param>
/// <param name="Previous">What they had, if that was asked for.</param>
public readonly record struct EtcdDeleteResult(EtcdHeader Header, long Deleted, IReadOnlyList<EtcdKeyValue> Previous)
{
    /// <summary>The revision of the delete.</summary>
    public long Revision => Header.Revision;
}
