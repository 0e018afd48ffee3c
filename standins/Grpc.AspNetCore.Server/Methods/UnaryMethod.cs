using System.Runtime.CompilerServices;
using Grpc.AspNetCore.Server.Calls;
using Grpc.AspNetCore.Server.Interception;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Methods;

/// <summary>
/// One request, one response. Where the request is there and the method is done at once, all of it happens in one
/// go on the caller's thread, and headers, message and trailers leave together.
/// </summary>
internal sealed class UnaryMethod<TService, TRequest, TResponse>(
    Method<TRequest, TResponse> method,
    UnaryServerMethod<TService, TRequest, TResponse> invoker,
    MethodSettings settings,
    ServiceSource<TService> services,
    InterceptorSource[] interceptors) : ServerMethod<TService>(settings, services, interceptors)
    where TService : class
    where TRequest : class
    where TResponse : class
{
    private readonly Func<DeserializationContext, TRequest> _deserializer = method.RequestMarshaller.ContextualDeserializer;
    private readonly Action<TResponse, SerializationContext> _serializer = method.ResponseMarshaller.ContextualSerializer;

    protected override ValueTask RunAsync(TService service, ServerCall call)
    {
        var reading = call.ReadSingleAsync(_deserializer);
        if (!reading.IsCompletedSuccessfully)
        {
            return ReadAndHandleAsync(reading, service, call);
        }

        var handling = Handle(service, reading.Result, call);
        if (!handling.IsCompletedSuccessfully)
        {
            return AwaitAsync(handling, call);
        }

        call.EndWith(handling.Result, _serializer);
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReadAndHandleAsync(ValueTask<TRequest> reading, TService service, ServerCall call)
    {
        var request = await reading.ConfigureAwait(false);
        await AwaitAsync(Handle(service, request, call), call).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(Task<TResponse> handling, ServerCall call)
    {
        if (!handling.IsCompleted)
        {
            call.StartDeadline();
        }

        call.EndWith(await handling.ConfigureAwait(false), _serializer);
    }

    private Task<TResponse> Handle(TService service, TRequest request, ServerCall call) =>
        HasInterceptors ? Intercepted(service, call)(request, call) : invoker(service, request, call);

    private UnaryServerMethod<TRequest, TResponse> Intercepted(TService service, ServerCall call)
    {
        UnaryServerMethod<TRequest, TResponse> chain = (request, context) => invoker(service, request, context);
        foreach (var interceptor in InnermostFirst(call))
        {
            var next = chain;
            chain = (request, context) => interceptor.UnaryServerHandler(request, context, next);
        }

        return chain;
    }
}
