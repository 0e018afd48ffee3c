using System.Buffers;
using System.Collections.Concurrent;
using Etcd.Protocol.Wire;
using Etcd.Server.Storage;
using Grpc.Core;

namespace Etcd.Server.Api.Kv;

/// <summary>
/// One Range call: the request's bytes, and the answer. It is both the request and the response of the bound method, and goes
/// back to a pool when the response was written, so that a small read allocates nothing of its own. A call that ends
/// otherwise leaves it to the garbage collector.
/// </summary>
internal sealed class RangeExchange
{
    // Enough for what two cores have under way; whatever an unusual burst adds beyond is not kept.
    private const int PoolMax = 4096;
    private const int RequestBytesKept = 4096;
    private const int KvsKept = 64;
    private const int KvsTag = (2 << 3) | 2;

    private static readonly ConcurrentQueue<RangeExchange> Pool = new();
    private byte[] _request = new byte[256];
    private int _requestLength;

    /// <summary>The encoded etcdserverpb.RangeRequest.</summary>
    public ReadOnlySpan<byte> Request => _request.AsSpan(0, _requestLength);

    /// <summary>The answer.</summary>
    public RangeResult Result { get; } = new();

    /// <summary>Takes one with a copy of a request's bytes.</summary>
    /// <param name="payload">Valid during the call only.</param>
    public static RangeExchange Read(DeserializationContext payload)
    {
        if (!Pool.TryDequeue(out RangeExchange? exchange))
        {
            exchange = new RangeExchange();
        }

        ReadOnlySequence<byte> bytes = payload.PayloadAsReadOnlySequence();
        exchange._requestLength = (int)bytes.Length;
        if (exchange._request.Length < exchange._requestLength)
        {
            exchange._request = new byte[exchange._requestLength];
        }

        bytes.CopyTo(exchange._request);
        return exchange;
    }

    /// <summary>Writes the answer (etcdserverpb.RangeResponse) and gives the exchange back.</summary>
    /// <param name="to">The call's message.</param>
    /// <param name="header">The encoded header field.</param>
    /// <returns>Bytes written.</returns>
    public int WriteAndReturn(SerializationContext to, ReadOnlySpan<byte> header)
    {
        int length = header.Length + BodySize();
        to.SetPayloadLength(length);
        IBufferWriter<byte> output = to.GetBufferWriter();
        output.Write(header);
        WriteBody(output);
        to.Complete();
        Return();
        return length;
    }

    private int BodySize()
    {
        long size = Result.KvBytes + (Result.More ? 2 : 0);
        if (Result.Count != 0)
        {
            size += ProtoWriter.VarintFieldSize(4, (ulong)Result.Count);
        }

        foreach (ReadOnlyMemory<byte> kv in Result.Kvs)
        {
            size += 1 + ProtoWriter.VarintSize((ulong)kv.Length);
        }

        return checked((int)size);
    }

    private void WriteBody(IBufferWriter<byte> output)
    {
        foreach (ReadOnlyMemory<byte> kv in Result.Kvs)
        {
            Span<byte> prefix = output.GetSpan(1 + ProtoWriter.VarintSizeMax);
            prefix[0] = KvsTag;
            output.Advance(1 + ProtoWriter.WriteVarint(prefix[1..], (ulong)kv.Length));
            output.Write(kv.Span);
        }

        Span<byte> rest = output.GetSpan(2 + 1 + ProtoWriter.VarintSizeMax);
        int at = 0;
        if (Result.More)
        {
            at += ProtoWriter.WriteBoolField(rest, 3, true);
        }

        if (Result.Count != 0)
        {
            at += ProtoWriter.WriteVarintField(rest[at..], 4, (ulong)Result.Count);
        }

        output.Advance(at);
    }

    private void Return()
    {
        bool small = _request.Length <= RequestBytesKept && Result.Kvs.Length <= KvsKept;
        Result.Clear();
        if (small && Pool.Count < PoolMax)
        {
            Pool.Enqueue(this);
        }
    }
}
