using Grpc.AspNetCore.Server.Calls;
using Grpc.AspNetCore.Server.Interception;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Methods;

/// <summary>Builds a service's entries of the method table, at start-up.</summary>
internal sealed class MethodFactory<TService>(MethodSettings settings, ServiceSource<TService> services, InterceptorSource[] interceptors)
    where TService : class
{
    public ServerMethod Unary<TRequest, TResponse>(
        Method<TRequest, TResponse> method, UnaryServerMethod<TService, TRequest, TResponse> invoker)
        where TRequest : class
        where TResponse : class =>
        new UnaryMethod<TService, TRequest, TResponse>(method, invoker, settings, services, interceptors);

    public ServerMethod ClientStreaming<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ClientStreamingServerMethod<TService, TRequest, TResponse> invoker)
        where TRequest : class
        where TResponse : class =>
        new ClientStreamingMethod<TService, TRequest, TResponse>(method, invoker, settings, services, interceptors);

    public ServerMethod ServerStreaming<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ServerStreamingServerMethod<TService, TRequest, TResponse> invoker)
        where TRequest : class
        where TResponse : class =>
        new ServerStreamingMethod<TService, TRequest, TResponse>(method, invoker, settings, services, interceptors);

    public ServerMethod DuplexStreaming<TRequest, TResponse>(
        Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TService, TRequest, TResponse> invoker)
        where TRequest : class
        where TResponse : class =>
        new DuplexStreamingMethod<TService, TRequest, TResponse>(method, invoker, settings, services, interceptors);
}
