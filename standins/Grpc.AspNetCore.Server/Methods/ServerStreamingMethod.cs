using Grpc.AspNetCore.Server.Calls;
using Grpc.AspNetCore.Server.Interception;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Methods;

/// <summary>One request, a stream of responses.</summary>
internal sealed class ServerStreamingMethod<TService, TRequest, TResponse>(
    Method<TRequest, TResponse> method,
    ServerStreamingServerMethod<TService, TRequest, TResponse> invoker,
    MethodSettings settings,
    ServiceSource<TService> services,
    InterceptorSource[] interceptors) : ServerMethod<TService>(settings, services, interceptors)
    where TService : class
    where TRequest : class
    where TResponse : class
{
    private readonly Func<DeserializationContext, TRequest> _deserializer = method.RequestMarshaller.ContextualDeserializer;
    private readonly Action<TResponse, SerializationContext> _serializer = method.ResponseMarshaller.ContextualSerializer;

    protected override async ValueTask RunAsync(TService service, ServerCall call)
    {
        var request = await call.ReadSingleAsync(_deserializer).ConfigureAwait(false);
        var handling = Handle(service, request, new ResponseStream<TResponse>(call, _serializer), call);
        if (!handling.IsCompleted)
        {
            call.StartDeadline();
        }

        await handling.ConfigureAwait(false);
        call.End();
    }

    private Task Handle(TService service, TRequest request, IServerStreamWriter<TResponse> responses, ServerCall call)
    {
        ServerStreamingServerMethod<TRequest, TResponse> chain = (first, stream, context) => invoker(service, first, stream, context);
        foreach (var interceptor in InnermostFirst(call))
        {
            var next = chain;
            chain = (first, stream, context) => interceptor.ServerStreamingServerHandler(first, stream, context, next);
        }

        return chain(request, responses, call);
    }
}
