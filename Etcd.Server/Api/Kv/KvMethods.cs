using System.Buffers;
using Etcd.Protocol.Wire;
using Etcd.Server.Api.Metrics;
using Etcd.Server.Apply;
using Etcd.Server.Node;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Etcd.Server.Api.Kv;

/// <summary>
/// Binds <see cref="KvService"/> by hand, with marshallers that keep requests as bytes and write answers from the store's
/// records: the generated ones would make objects of both.
/// </summary>
/// <param name="api">The node.</param>
internal sealed class KvMethods(ApiContext api) : IServiceMethodProvider<KvService>
{
    private const string Service = "etcdserverpb.KV";
    private const int RangeResponseField = 1;

    private readonly RangeStreamer _streamer = new(api);
    private readonly GrpcFigures _figures = api.Figures.Grpc;
    private MethodFigures? _rangeStream;

    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<KvService> context)
    {
        Marshaller<ApplyOutcome> outcome = Responses<ApplyOutcome>(WriteOutcome);
        Marshaller<RangeExchange> range = new(WriteRange, ReadRange);
        Marshaller<RangeChunk> chunk = Responses<RangeChunk>(WriteChunk);
        var rangeStream = new Method<RangeExchange, RangeChunk>(MethodType.ServerStreaming, Service, "RangeStream", new(WriteRange, ReadRangeStream), chunk);
        _rangeStream = _figures.Of(rangeStream);
        context.AddUnaryMethod(
            new Method<RangeExchange, RangeExchange>(MethodType.Unary, Service, "Range", range, range),
            [],
            WellFormed<RangeExchange, RangeExchange>(static (service, request, call) => service.Range(request, call)));
        context.AddServerStreamingMethod(
            rangeStream,
            [],
            (_, request, chunks, call) => _streamer.Stream(request, chunks, call));
        AddCommand(context, "Put", RaftCommandKind.Put, outcome, static (service, command, call) => service.Put(command, call));
        AddCommand(context, "DeleteRange", RaftCommandKind.DeleteRange, outcome, static (service, command, call) => service.DeleteRange(command, call));
        AddCommand(context, "Txn", RaftCommandKind.Txn, outcome, static (service, command, call) => service.Txn(command, call));
        AddCommand(context, "Compact", RaftCommandKind.Compaction, outcome, static (service, command, call) => service.Compact(command, call));
    }

    private void AddCommand(
        ServiceMethodProviderContext<KvService> context,
        string name,
        RaftCommandKind kind,
        Marshaller<ApplyOutcome> outcome,
        UnaryServerMethod<KvService, RaftCommand, ApplyOutcome> serve) =>
        context.AddUnaryMethod(Command(name, kind, outcome), [], WellFormed(serve));

    /// <summary>
    /// The services read requests from their bytes as they check them, before their first wait; bytes that are no such
    /// message end the call as they do where a codec reads them.
    /// </summary>
    private static UnaryServerMethod<KvService, TRequest, TResponse> WellFormed<TRequest, TResponse>(
        UnaryServerMethod<KvService, TRequest, TResponse> serve)
        where TRequest : class
        where TResponse : class => (service, request, call) =>
        {
            try
            {
                return serve(service, request, call);
            }
            catch (ProtoFormatException malformed)
            {
                throw MalformedRequest.Error(malformed);
            }
        };

    private Method<RaftCommand, ApplyOutcome> Command(string name, RaftCommandKind kind, Marshaller<ApplyOutcome> outcome) => new(
        MethodType.Unary,
        Service,
        name,
        new Marshaller<RaftCommand>(
            static (_, _) => throw new NotSupportedException("a server does not write requests"),
            payload =>
            {
                _figures.ReceivedBytes.Add(payload.PayloadLength);
                return RaftCommand.Create(kind, payload.PayloadAsReadOnlySequence(), api.Auth.UserRoom);
            }),
        outcome);

    private static Marshaller<T> Responses<T>(Action<T, SerializationContext> write) =>
        new(write, static _ => throw new NotSupportedException("a server does not read responses"));

    private static int ChunkSize(RangeChunk chunk, int headerLength)
    {
        int size = headerLength + (chunk.More ? 2 : 0);
        if (chunk.Count != 0)
        {
            size += ProtoWriter.VarintFieldSize(4, (ulong)chunk.Count);
        }

        foreach (ReadOnlyMemory<byte> kv in chunk.Kvs)
        {
            size = checked(size + ProtoWriter.BytesFieldSize(2, kv.Length));
        }

        return size;
    }

    private RangeExchange ReadRange(DeserializationContext payload)
    {
        _figures.ReceivedBytes.Add(payload.PayloadLength);
        return RangeExchange.Read(payload);
    }

    private RangeExchange ReadRangeStream(DeserializationContext payload)
    {
        _rangeStream!.CountReceived();
        return ReadRange(payload);
    }

    private void WriteOutcome(ApplyOutcome outcome, SerializationContext to)
    {
        Span<byte> header = stackalloc byte[ResponseHeader.BytesMax];
        int headerLength = ResponseHeader.Write(header, api.Status, outcome.Revision);
        _figures.SentBytes.Add(headerLength + outcome.Body.Length);
        to.SetPayloadLength(headerLength + outcome.Body.Length);
        IBufferWriter<byte> output = to.GetBufferWriter();
        output.Write(header[..headerLength]);
        output.Write(outcome.Body.Span);
        to.Complete();
    }

    private void WriteRange(RangeExchange exchange, SerializationContext to)
    {
        Span<byte> header = stackalloc byte[ResponseHeader.BytesMax];
        int headerLength = ResponseHeader.Write(header, api.Status, exchange.Result.Revision);
        _figures.SentBytes.Add(exchange.WriteAndReturn(to, header[..headerLength]));
    }

    /// <summary>etcdserverpb.RangeStreamResponse: the RangeResponse as its field 1.</summary>
    private void WriteChunk(RangeChunk chunk, SerializationContext to)
    {
        Span<byte> header = stackalloc byte[ResponseHeader.BytesMax];
        int headerLength = chunk.IsLast ? ResponseHeader.Write(header, api.Status, chunk.Revision) : 0;
        int inner = ChunkSize(chunk, headerLength);
        int length = ProtoWriter.BytesFieldSize(RangeResponseField, inner);
        _figures.SentBytes.Add(length);
        _rangeStream!.CountSent();
        to.SetPayloadLength(length);
        IBufferWriter<byte> output = to.GetBufferWriter();
        output.Advance(ProtoWriter.WriteLengthPrefix(output.GetSpan(16), RangeResponseField, inner));
        output.Write(header[..headerLength]);
        foreach (ReadOnlyMemory<byte> kv in chunk.Kvs)
        {
            output.Advance(ProtoWriter.WriteLengthPrefix(output.GetSpan(16), 2, kv.Length));
            output.Write(kv.Span);
        }

        Span<byte> rest = output.GetSpan(16);
        int at = chunk.More ? ProtoWriter.WriteBoolField(rest, 3, true) : 0;
        if (chunk.Count != 0)
        {
            at += ProtoWriter.WriteVarintField(rest[at..], 4, (ulong)chunk.Count);
        }

        output.Advance(at);
        to.Complete();
    }
}
