using System.IO.Pipelines;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Watch;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Etcd.Server.Api.Watches;

/// <summary>
/// Binds <see cref="WatchService"/> by hand: responses are written from the store's records, without an object in between, and into the
/// response's body itself where gRPC leaves that to the call.
/// </summary>
/// <param name="api">The node.</param>
internal sealed class WatchMethods(ApiContext api) : IServiceMethodProvider<WatchService>
{
    private readonly WatchFigures _figures = new(api.Figures.Grpc);

    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<WatchService> context)
    {
        var method = new Method<WatchRequest, WatchBatch>(
            MethodType.DuplexStreaming,
            "etcdserverpb.Watch",
            "Watch",
            new Marshaller<WatchRequest>(static (_, _) => throw new NotSupportedException("a server does not write requests"), Read),
            new Marshaller<WatchBatch>(Write, static _ => throw new NotSupportedException("a server does not read responses")));
        api.Figures.Grpc.Of(method);
        context.AddDuplexStreamingMethod(
            method, [], static (service, requests, responses, call) => service.Watch(requests, responses, call, BodyOf(call)));
    }

    /// <summary>
    /// The response's body; null if the call has a deadline: gRPC ends such a call on a thread of its own, which must not come between two
    /// halves of a message that it knows nothing of. Responses are never compressed.
    /// </summary>
    private static PipeWriter? BodyOf(ServerCallContext call) =>
        call.Deadline == DateTime.MaxValue ? call.GetHttpContext().Response.BodyWriter : null;

    private WatchRequest Read(DeserializationContext payload)
    {
        _figures.CountReceived(payload.PayloadLength);
        return WatchRequest.Parser.ParseFrom(payload.PayloadAsReadOnlySequence());
    }

    private void Write(WatchBatch batch, SerializationContext payload)
    {
        var header = new WatchHeader(api.Status.ClusterId, api.Status.MemberId.Value, api.Status.Term.Value);
        int length = batch.ComputeSize(header);
        payload.SetPayloadLength(length);
        batch.WriteTo(payload.GetBufferWriter(), header);
        payload.Complete();
        _figures.CountMessages(1, length);
    }
}
