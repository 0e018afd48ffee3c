using Grpc.AspNetCore.Server.Calls;
using Grpc.AspNetCore.Server.Interception;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Methods;

/// <summary>A stream in each direction.</summary>
internal sealed class DuplexStreamingMethod<TService, TRequest, TResponse>(
    Method<TRequest, TResponse> method,
    DuplexStreamingServerMethod<TService, TRequest, TResponse> invoker,
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
        var requests = new RequestStream<TRequest>(call, _deserializer);
        var handling = Handle(service, requests, new ResponseStream<TResponse>(call, _serializer), call);
        if (!handling.IsCompleted)
        {
            call.StartDeadline();
        }

        await handling.ConfigureAwait(false);
        call.End();
    }

    private Task Handle(TService service, IAsyncStreamReader<TRequest> requests, IServerStreamWriter<TResponse> responses, ServerCall call)
    {
        DuplexStreamingServerMethod<TRequest, TResponse> chain = (input, output, context) => invoker(service, input, output, context);
        foreach (var interceptor in InnermostFirst(call))
        {
            var next = chain;
            chain = (input, output, context) => interceptor.DuplexStreamingServerHandler(input, output, context, next);
        }

        return chain(requests, responses, call);
    }
}
