using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>From options to etcd's messages.</summary>
internal static class Requests
{
    private static readonly EtcdGetOptions Defaults = new();

    public static RangeRequest Range(EtcdRange range, EtcdGetOptions? options)
    {
        options ??= Defaults;
        var request = new RangeRequest
        {
            Key = range.Start.ToByteString(),
            Revision = options.Revision,
            Serializable = options.Serializable,
            KeysOnly = options.KeysOnly,
            MinModRevision = options.MinModRevision,
            MaxModRevision = options.MaxModRevision,
            MinCreateRevision = options.MinCreateRevision,
            MaxCreateRevision = options.MaxCreateRevision,
        };
        if (!range.IsSingle)
            request.RangeEnd = range.End.ToByteString();
        if (options is EtcdRangeOptions ranged)
            Sort(request, ranged);
        return request;
    }

    public static PutRequest Put(EtcdKey key, EtcdValue value, EtcdPutOptions? options)
    {
        var request = new PutRequest { Key = key.ToByteString(), Value = value.ToByteString() };
        if (options is null)
            return request;
        request.Lease = options.Lease.Value;
        request.PrevKv = options.ReturnPrevious;
        request.IgnoreValue = options.KeepValue;
        request.IgnoreLease = options.KeepLease;
        return request;
    }

    public static DeleteRangeRequest Delete(EtcdRange range, EtcdDeleteOptions? options)
    {
        var request = new DeleteRangeRequest { Key = range.Start.ToByteString(), PrevKv = options is { ReturnPrevious: true } };
        if (!range.IsSingle)
            request.RangeEnd = range.End.ToByteString();
        return request;
    }

    private static void Sort(RangeRequest request, EtcdRangeOptions options)
    {
        request.Limit = options.Limit;
        request.CountOnly = options.CountOnly;
        request.SortTarget = (RangeRequest.Types.SortTarget)options.SortBy;
        request.SortOrder = options.Order switch
        {
            EtcdSortOrder.Ascending => RangeRequest.Types.SortOrder.Ascend,
            EtcdSortOrder.Descending => RangeRequest.Types.SortOrder.Descend,
            // Without an order etcd does not sort at all.
            _ when options.SortBy != EtcdSortBy.Key => RangeRequest.Types.SortOrder.Ascend,
            _ => RangeRequest.Types.SortOrder.None,
        };
    }
}
