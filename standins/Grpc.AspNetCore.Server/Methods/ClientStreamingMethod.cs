using Grpc.AspNetCore.Server.Calls;
using Grpc.AspNetCore.Server.Interception;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Methods;

/// <summary>A stream of requests, one response.</summary>
internal sealed class ClientStreamingMethod<TService, TRequest, TResponse>(
    Method<TRequest, TResponse> method,
    ClientStreamingServerMethod<TService, TRequest, TResponse> invoker,
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
        var handling = Handle(service, new RequestStream<TRequest>(call, _deserializer), call);
        if (!handling.IsCompleted)
        {
            call.StartDeadline();
        }

        call.EndWith(await handling.ConfigureAwait(false), _serializer);
    }

    private Task<TResponse> Handle(TService service, IAsyncStreamReader<TRequest> requests, ServerCall call)
    {
        ClientStreamingServerMethod<TRequest, TResponse> chain = (stream, context) => invoker(service, stream, context);
        foreach (var interceptor in InnermostFirst(call))
        {
            var next = chain;
            chain = (stream, context) => interceptor.ClientStreamingServerHandler(stream, context, next);
        }

        return chain(requests, call);
    }
}
