using System.Runtime.CompilerServices;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

internal sealed partial class KvClient
{
    public IAsyncEnumerable<EtcdPage> ListPagesAsync(EtcdRange range, EtcdListOptions? options, CancellationToken cancellationToken)
    {
        options ??= new EtcdListOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.PageSize, 1, nameof(options));
        return ListAsync(Below(range), options, cancellationToken);
    }

    // The first page comes by a request of its own, which tells the revision: a stream tells it last, and without it nothing could
    // be asked for again after the connection is lost. After a stream has broken, a page comes by a request again: that one tries
    // other endpoints and knows when to give up.
    private async IAsyncEnumerable<EtcdPage> ListAsync(
        EtcdRange range, EtcdListOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        EtcdRange rest = range;
        long revision = options.Revision;
        ulong cluster = 0;
        bool mayStream = !options.HasFilters && !range.IsSingle;
        while (true)
        {
            RangeAnswer page = await GetPageAsync(rest, options, revision, cancellationToken).ConfigureAwait(false);
            revision = revision != 0 ? revision : page.Header.Revision;
            cluster = RequireSame(cluster, page);
            rest = page.More ? Behind(page) : rest;
            yield return new EtcdPage(cluster, revision, page.TakeItems(prefix.Length), !page.More);
            if (!page.More)
                yield break;
            if (!mayStream)
                continue;

            await using var stream = new RangeStreamCall(connection, StreamRequest(rest, options, revision), options);
            RangeStep step;
            while ((step = await stream.NextAsync(cancellationToken).ConfigureAwait(false)) == RangeStep.Chunk)
            {
                RangeAnswer chunk = stream.Chunk;
                if (chunk.Items.Length == 0)
                    continue;
                cluster = RequireSame(cluster, chunk);
                rest = Behind(chunk);
                yield return new EtcdPage(cluster, revision, chunk.TakeItems(prefix.Length), isLast: false);
            }

            if (step == RangeStep.End)
                yield break;
            mayStream = step != RangeStep.NotSupported;
        }

        // What of the range comes behind an answer; its keys must be whole.
        EtcdRange Behind(RangeAnswer answer) => range.After(answer.Items[^1].Key);
    }

    // A revision pins the pages inside of one cluster only. Chunks of a stream but the last have no header.
    private static ulong RequireSame(ulong cluster, RangeAnswer page)
    {
        ulong found = page.Header.ClusterId;
        if (cluster != 0 && found != 0 && found != cluster)
            throw new EtcdClusterChangedException(cluster, found, null);
        return cluster != 0 ? cluster : found;
    }

    private static RangeRequest StreamRequest(EtcdRange range, EtcdListOptions options, long revision)
    {
        RangeRequest request = Requests.Range(range, options);
        request.Revision = revision;
        return request;
    }

    private async ValueTask<RangeAnswer> GetPageAsync(
        EtcdRange range, EtcdListOptions options, long revision, CancellationToken cancellation)
    {
        RangeRequest request = StreamRequest(range, options, revision);
        request.Limit = options.PageSize;
        try
        {
            return await _caller.CallAsync(Methods.Range, request, options, cancellation).ConfigureAwait(false);
        }
        catch (EtcdException e) when (e.ErrorId == EtcdErrorId.FutureRevision && options.Serializable && options.Revision == 0)
        {
            // The page before came from a member that is ahead of this one; a linearizable read waits for it to catch up.
            request.Serializable = false;
            return await _caller.CallAsync(Methods.Range, request, options, cancellation).ConfigureAwait(false);
        }
    }
}
