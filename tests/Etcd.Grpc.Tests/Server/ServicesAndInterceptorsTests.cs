using System.Collections.Concurrent;
using Grpc.AspNetCore.Server;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Etcd.Grpc.Tests.Server;

/// <summary>Where service instances come from, how services are bound, and what runs around calls.</summary>
public sealed class ServicesAndInterceptorsTests
{
    [Fact]
    public async Task A_service_bound_by_its_attribute_is_served_in_all_four_kinds()
    {
        await using var host = await TestHost.StartAsync(map: app => app.MapGrpcService<GeneratedImplementation>());

        foreach (var method in (string[])["One", "Down", "Up", "Both"])
        {
            var reply = await host.Client.CallAsync("/test.Generated/" + method, GrpcExchange.Frame([5]));

            Assert.Equal("0", reply.Status);
            Assert.Equal([5, 5], Assert.Single(reply.Messages).Bytes);
        }
    }

    [Fact]
    public async Task A_method_that_the_implementation_does_not_override_is_the_base_class_one()
    {
        await using var host = await TestHost.StartAsync(map: app => app.MapGrpcService<GeneratedImplementation>());

        var reply = await host.Client.CallAsync("/test.Generated/Missing", GrpcExchange.Frame([5]));

        Assert.Equal("12", reply.Status);
    }

    [Fact]
    public async Task Endpoints_carry_method_metadata_and_the_attributes_of_the_implementation()
    {
        await using var host = await TestHost.StartAsync(map: app => app.MapGrpcService<GeneratedImplementation>().WithMetadata("by convention"));

        var endpoints = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();
        var endpoint = endpoints.Single(e => e.RoutePattern.RawText == "/test.Generated/One");

        var metadata = endpoint.Metadata.GetRequiredMetadata<GrpcMethodMetadata>();
        Assert.Equal((typeof(GeneratedImplementation), "One"), (metadata.ServiceType, metadata.Method.Name));
        Assert.Equal("on the method", endpoint.Metadata.GetRequiredMetadata<MarkAttribute>().Text);
        Assert.Equal(["POST"], endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods);
        Assert.Contains("by convention", endpoint.Metadata.OfType<string>());
    }

    [Fact]
    public async Task A_singleton_serves_all_calls_and_no_scope_is_opened()
    {
        await using var host = await TestHost.StartAsync(services: s => s.AddSingleton<Counted>().AddScoped<ScopeMark>().AddTransient<IServiceMethodProvider<Counted>, CountedMethods>(), map: app => app.MapGrpcService<Counted>());
        Counted.Reset();

        var ids = new[] { await CallCountedAsync(host), await CallCountedAsync(host) };

        Assert.Equal(ids[0], ids[1]);
        Assert.Equal(0, ScopeMark.Created);
    }

    [Fact]
    public async Task A_scoped_service_is_made_for_each_call_and_disposed_with_its_scope()
    {
        await using var host = await TestHost.StartAsync(services: s => s.AddScoped<Counted>().AddTransient<IServiceMethodProvider<Counted>, CountedMethods>(), map: app => app.MapGrpcService<Counted>());
        Counted.Reset();

        var ids = new[] { await CallCountedAsync(host), await CallCountedAsync(host) };

        Assert.NotEqual(ids[0], ids[1]);
        await WaitUntilAsync(() => Counted.Disposed == 2);
    }

    [Fact]
    public async Task A_service_that_is_not_registered_is_made_for_each_call_and_disposed_after_it()
    {
        await using var host = await TestHost.StartAsync(services: s => s.AddTransient<IServiceMethodProvider<Counted>, CountedMethods>(), map: app => app.MapGrpcService<Counted>());
        Counted.Reset();

        var ids = new[] { await CallCountedAsync(host), await CallCountedAsync(host) };

        Assert.NotEqual(ids[0], ids[1]);
        await WaitUntilAsync(() => Counted.Disposed == 2);
    }

    [Fact]
    public async Task A_service_without_methods_is_refused_at_start()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => TestHost.StartAsync(map: app => app.MapGrpcService<ScopeMark>()));
    }

    [Fact]
    public async Task Mapping_without_AddGrpc_is_refused()
    {
        await using var app = WebApplication.CreateSlimBuilder().Build();

        Assert.Throws<InvalidOperationException>(() => app.MapGrpcService<BlobService>());
    }

    [Fact]
    public async Task Interceptors_run_in_order_around_all_kinds_of_calls()
    {
        var trace = new ConcurrentQueue<string>();
        await using var host = await TestHost.StartAsync(
            options =>
            {
                options.Interceptors.Add<Tracing>("outer", trace);
                options.Interceptors.Add<Tracing>("inner", trace);
            },
            map: app => app.MapGrpcService<GeneratedImplementation>());

        foreach (var method in (string[])["One", "Down", "Up", "Both"])
        {
            trace.Clear();
            Assert.Equal("0", (await host.Client.CallAsync("/test.Generated/" + method, GrpcExchange.Frame([5]))).Status);
            await WaitUntilAsync(() => trace.Count == 6);
            Assert.Equal(["outer in", "inner in", "inner out", "outer out", "inner disposed", "outer disposed"], trace);
        }
    }

    [Fact]
    public async Task An_interceptor_that_throws_ends_the_call_with_its_status()
    {
        await using var host = await TestHost.StartAsync(options => options.Interceptors.Add<Refusing>());

        var reply = await host.CallAsync("Unary", []);

        Assert.Equal(("16", "etcdserver: invalid auth token"), (reply.Status, reply.Message));
    }

    [Fact]
    public async Task An_interceptor_that_is_a_singleton_service_is_made_once()
    {
        var trace = new ConcurrentQueue<string>();
        await using var host = await TestHost.StartAsync(
            options => options.Interceptors.Add<Tracing>(),
            services => services.AddSingleton(new Tracing("only", trace)));

        await host.CallAsync("Unary", []);
        await host.CallAsync("Unary", []);

        Assert.Equal(["only in", "only out", "only in", "only out"], trace);
    }

    [Fact]
    public void An_interceptor_must_be_one()
    {
        Assert.Throws<ArgumentException>(() => new GrpcServiceOptions().Interceptors.Add(typeof(string)));
    }

    private static async Task<int> CallCountedAsync(TestHost host)
    {
        var reply = await host.Client.CallAsync("/test.Counted/Id", GrpcExchange.Frame([]));
        Assert.Equal("0", reply.Status);
        return BitConverter.ToInt32(Assert.Single(reply.Messages).Bytes);
    }

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < deadline, "the condition did not come true in time");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    [AttributeUsage(AttributeTargets.All)]
    public sealed class MarkAttribute(string text) : Attribute
    {
        public string Text { get; } = text;
    }

    /// <summary>The shape of what Grpc.Tools generates.</summary>
    public static class Generated
    {
        private static readonly Method<Blob, Blob> One = Describe(MethodType.Unary, nameof(One));
        private static readonly Method<Blob, Blob> Missing = Describe(MethodType.Unary, nameof(Missing));
        private static readonly Method<Blob, Blob> Down = Describe(MethodType.ServerStreaming, nameof(Down));
        private static readonly Method<Blob, Blob> Up = Describe(MethodType.ClientStreaming, nameof(Up));
        private static readonly Method<Blob, Blob> Both = Describe(MethodType.DuplexStreaming, nameof(Both));

        public static void BindService(ServiceBinderBase serviceBinder, GeneratedBase? serviceImpl)
        {
            serviceBinder.AddMethod(One, serviceImpl is null ? null : new UnaryServerMethod<Blob, Blob>(serviceImpl.One));
            serviceBinder.AddMethod(Missing, serviceImpl is null ? null : new UnaryServerMethod<Blob, Blob>(serviceImpl.Missing));
            serviceBinder.AddMethod(Down, serviceImpl is null ? null : new ServerStreamingServerMethod<Blob, Blob>(serviceImpl.Down));
            serviceBinder.AddMethod(Up, serviceImpl is null ? null : new ClientStreamingServerMethod<Blob, Blob>(serviceImpl.Up));
            serviceBinder.AddMethod(Both, serviceImpl is null ? null : new DuplexStreamingServerMethod<Blob, Blob>(serviceImpl.Both));
        }

        private static Method<Blob, Blob> Describe(MethodType type, string name) =>
            new(type, "test.Generated", name, Blob.Marshaller, Blob.Marshaller);
    }

    [BindServiceMethod(typeof(Generated), "BindService")]
    public abstract class GeneratedBase
    {
        public virtual Task<Blob> One(Blob request, ServerCallContext context) => throw Unimplemented();

        public virtual Task<Blob> Missing(Blob request, ServerCallContext context) => throw Unimplemented();

        public virtual Task Down(Blob request, IServerStreamWriter<Blob> responseStream, ServerCallContext context) => throw Unimplemented();

        public virtual Task<Blob> Up(IAsyncStreamReader<Blob> requestStream, ServerCallContext context) => throw Unimplemented();

        public virtual Task Both(IAsyncStreamReader<Blob> requestStream, IServerStreamWriter<Blob> responseStream, ServerCallContext context) => throw Unimplemented();

        private static RpcException Unimplemented() => new(new Status(StatusCode.Unimplemented, string.Empty));
    }

    public sealed class GeneratedImplementation : GeneratedBase
    {
        [Mark("on the method")]
        public override Task<Blob> One(Blob request, ServerCallContext context) => Task.FromResult(Twice(request));

        public override Task Down(Blob request, IServerStreamWriter<Blob> responseStream, ServerCallContext context) => responseStream.WriteAsync(Twice(request));

        public override async Task<Blob> Up(IAsyncStreamReader<Blob> requestStream, ServerCallContext context)
        {
            await requestStream.MoveNext(context.CancellationToken);
            return Twice(requestStream.Current);
        }

        public override async Task Both(IAsyncStreamReader<Blob> requestStream, IServerStreamWriter<Blob> responseStream, ServerCallContext context)
        {
            await requestStream.MoveNext(context.CancellationToken);
            await responseStream.WriteAsync(Twice(requestStream.Current));
        }

        private static Blob Twice(Blob blob) => new([.. blob.Bytes, .. blob.Bytes]);
    }

    public sealed class ScopeMark
    {
        public static int Created { get; private set; }

        public ScopeMark() => Created++;
    }

    public sealed class Counted : IDisposable
    {
        private static int _created;
        private static int _disposed;

        public static int Disposed => Volatile.Read(ref _disposed);

        public int Id { get; } = Interlocked.Increment(ref _created);

        public static void Reset() => _disposed = 0;

        public void Dispose() => Interlocked.Increment(ref _disposed);
    }

    public sealed class CountedMethods : IServiceMethodProvider<Counted>
    {
        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<Counted> context) =>
            context.AddUnaryMethod(
                new Method<Blob, Blob>(MethodType.Unary, "test.Counted", "Id", Blob.Marshaller, Blob.Marshaller),
                [],
                (service, _, _) => Task.FromResult(new Blob(BitConverter.GetBytes(service.Id))));
    }

    public sealed class Tracing(string name, ConcurrentQueue<string> trace) : Interceptor, IDisposable
    {
        public void Dispose() => trace.Enqueue(name + " disposed");

        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
            AroundAsync(() => continuation(request, context));

        public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
            AroundAsync(() => continuation(requestStream, context));

        public override Task ServerStreamingServerHandler<TRequest, TResponse>(TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
            AroundAsync(async () =>
            {
                await continuation(request, responseStream, context);
                return 0;
            });

        public override Task DuplexStreamingServerHandler<TRequest, TResponse>(IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
            AroundAsync(async () =>
            {
                await continuation(requestStream, responseStream, context);
                return 0;
            });

        private async Task<T> AroundAsync<T>(Func<Task<T>> inner)
        {
            trace.Enqueue(name + " in");
            var result = await inner();
            trace.Enqueue(name + " out");
            return result;
        }
    }

    public sealed class Refusing : Interceptor
    {
        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
            throw new RpcException(new Status(StatusCode.Unauthenticated, "etcdserver: invalid auth token"));
    }
}
