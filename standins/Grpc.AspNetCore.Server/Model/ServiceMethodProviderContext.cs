using Grpc.AspNetCore.Server.Http;
using Grpc.AspNetCore.Server.Methods;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Grpc.AspNetCore.Server.Model;

/// <summary>Takes the methods of a service while it is mapped. Not safe for concurrent use.</summary>
/// <typeparam name="TService">The service.</typeparam>
public class ServiceMethodProviderContext<TService>
    where TService : class
{
    private readonly MethodFactory<TService> _factory;

    internal ServiceMethodProviderContext(MethodFactory<TService> factory) => _factory = factory;

    internal List<MappedMethod> Methods { get; } = [];

    /// <summary>Adds a unary method.</summary>
    public void AddUnaryMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, IList<object> metadata, UnaryServerMethod<TService, TRequest, TResponse> invoker)
        where TRequest : class
        where TResponse : class =>
        Add(method, metadata, _factory.Unary(method, invoker));

    /// <summary>Adds a method with a stream of responses.</summary>
    public void AddServerStreamingMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, IList<object> metadata, ServerStreamingServerMethod<TService, TRequest, TResponse> invoker)
        where TRequest : class
        where TResponse : class =>
        Add(method, metadata, _factory.ServerStreaming(method, invoker));

    /// <summary>Adds a method with a stream of requests.</summary>
    public void AddClientStreamingMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, IList<object> metadata, ClientStreamingServerMethod<TService, TRequest, TResponse> invoker)
        where TRequest : class
        where TResponse : class =>
        Add(method, metadata, _factory.ClientStreaming(method, invoker));

    /// <summary>Adds a method with a stream in each direction.</summary>
    public void AddDuplexStreamingMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, IList<object> metadata, DuplexStreamingServerMethod<TService, TRequest, TResponse> invoker)
        where TRequest : class
        where TResponse : class =>
        Add(method, metadata, _factory.DuplexStreaming(method, invoker));

    /// <summary>Adds a method that is served as a bare HTTP request.</summary>
    public void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, RoutePattern pattern, IList<object> metadata, RequestDelegate invoker)
        where TRequest : class
        where TResponse : class =>
        Methods.Add(new MappedMethod(method, pattern, metadata, invoker));

    private void Add<TRequest, TResponse>(Method<TRequest, TResponse> method, IList<object> metadata, ServerMethod served)
        where TRequest : class
        where TResponse : class =>
        AddMethod(method, RoutePatternFactory.Parse(method.FullName), metadata, new HttpCallAdapter(served).InvokeAsync);
}
