using Etcd.Protocol.Wire;
using Etcd.Server.Api.Validation;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Auth;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Grpc.Core;

namespace Etcd.Server.Api.Kv;

/// <summary>
/// KV.RangeStream of etcd v3.7: a range of any size in chunks, read at one revision. The first chunk has a few keys; the
/// next ones double or halve so that their size stays within half and twice the request limit. Header, count and
/// <c>more</c> come with the last chunk only. No store memory is pinned between the chunks.
/// </summary>
/// <param name="api">The node.</param>
internal sealed class RangeStreamer(ApiContext api)
{
    /// <summary>Serves one call.</summary>
    public async Task Stream(RangeExchange request, IServerStreamWriter<RangeChunk> chunks, ServerCallContext context)
    {
        Check(request.Request);
        if (!RangeRequestReader.Read(request.Request).Serializable)
        {
            await api.Reads.LinearizeAsync(context.CancellationToken).ConfigureAwait(false);
        }

        AuthInfo who = await api.Auth.IdentifyOrNobodyAsync(context).ConfigureAwait(false);
        AuthSnapshot rights = Permit(who, request);
        if (RangeRequestReader.Read(request.Request).CountOnly)
        {
            RangeChunk count = Count(request);
            Recheck(rights, who);
            await chunks.WriteAsync(count, context.CancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            await SendAll(request, chunks, rights, who, context.CancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            throw DamageErrors.Exception;
        }
    }

    private AuthSnapshot Permit(AuthInfo who, RangeExchange request)
    {
        AuthSnapshot rights = api.Auth.Current;
        RangeQuery query = RangeRequestReader.Read(request.Request);
        return rights.CheckKeys(who, KeyAccess.Read, query.Key, query.RangeEnd) is { } refusal ? throw refusal.ToException() : rights;
    }

    // etcd looks once, when everything is sent; here nothing is sent that was read after rights were taken away.
    private void Recheck(AuthSnapshot rights, AuthInfo who)
    {
        if ((rights.IsEnabled || api.Auth.IsEnabled) && api.Auth.Recheck(rights, who) is { } refusal)
        {
            throw refusal.ToException();
        }
    }

    private static void Check(ReadOnlySpan<byte> request)
    {
        if (RequestChecks.RangeStream(Read(request)) is { } error)
        {
            throw error.ToException();
        }
    }

    private static RangeQuery Read(ReadOnlySpan<byte> request)
    {
        try
        {
            return RangeRequestReader.Read(request);
        }
        catch (ProtoFormatException malformed)
        {
            throw MalformedRequest.Error(malformed);
        }
    }

    private static long AdjustLimit(long limit, long chunkBytes, long targetBytes)
    {
        if (chunkBytes < targetBytes / 2)
        {
            return limit * 2;
        }

        return chunkBytes > targetBytes * 2 ? Math.Max(limit / 2, 1) : limit;
    }

    private static void Throw(ReadStatus status)
    {
        if (status.ToError() is { } error)
        {
            throw error.ToException();
        }
    }

    private RangeChunk Count(RangeExchange request)
    {
        var result = new RangeResult();
        Throw(api.Reads.Store.Range(RangeRequestReader.Read(request.Request), result));
        return new RangeChunk([], IsLast: true, result.Revision, result.Count, More: false);
    }

    private async Task SendAll(
        RangeExchange request, IServerStreamWriter<RangeChunk> chunks, AuthSnapshot rights, AuthInfo who, CancellationToken cancellation)
    {
        long wanted = RangeRequestReader.Read(request.Request).Limit;
        wanted = wanted <= 0 ? long.MaxValue : wanted;
        var cursor = new RangeCursor(api.Reads.Store, RangeRequestReader.Read(request.Request));
        long limit = Math.Min(Limits.RangeStreamFirstChunkKeys, wanted);
        long count = 0;
        while (true)
        {
            // Each chunk has a result of its own: the one before may still be on its way out.
            var result = new RangeResult();
            Throw(cursor.Next((int)Math.Min(limit, int.MaxValue), result));
            Recheck(rights, who);
            count += result.Kvs.Length;
            bool last = !result.More || count == wanted;
            await chunks.WriteAsync(Chunk(cursor, result, last, count), cancellation).ConfigureAwait(false);
            if (last)
            {
                return;
            }

            limit = Math.Min(AdjustLimit(limit, result.KvBytes, api.Options.MaxRequestBytes), wanted - count);
        }
    }

    private static RangeChunk Chunk(RangeCursor cursor, RangeResult result, bool last, long count)
    {
        ReadOnlyMemory<byte>[] kvs = result.Kvs.ToArray();
        if (!last)
        {
            return new RangeChunk(kvs, IsLast: false, 0, 0, More: false);
        }

        long rest = 0;
        if (result.More)
        {
            Throw(cursor.CountRest(out rest));
        }

        return new RangeChunk(kvs, IsLast: true, cursor.HeaderRevision, count + rest, result.More);
    }
}

/// <summary>One message of a RangeStream answer.</summary>
/// <param name="Kvs">Encoded mvccpb.KeyValue records.</param>
/// <param name="IsLast">Whether it carries the header.</param>
/// <param name="Revision">The header's revision; last chunk only.</param>
/// <param name="Count">Keys in the range; last chunk only.</param>
/// <param name="More">Whether the limit cut the answer off; last chunk only.</param>
internal sealed record RangeChunk(ReadOnlyMemory<byte>[] Kvs, bool IsLast, long Revision, long Count, bool More);
