using Etcd.Server.Api.Authentication;
using Etcd.Server.Api.Cluster;
using Etcd.Server.Api.Concurrency;
using Etcd.Server.Api.Gateway;
using Etcd.Server.Api.Health;
using Etcd.Server.Api.Http;
using Etcd.Server.Api.Kv;
using Etcd.Server.Api.Leases;
using Etcd.Server.Api.Maintenance;
using Etcd.Server.Api.Metrics;
using Etcd.Server.Api.Watches;
using Grpc.AspNetCore.Server;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Etcd.Server.Api;

/// <summary>Puts the interface of a member into a web application.</summary>
public static class EtcdApiExtensions
{
    /// <summary>Registers the services; each is one object that serves all calls.</summary>
    /// <param name="services">Where.</param>
    /// <param name="api">The node.</param>
    /// <param name="receiveBytesMax">Largest message that is read, bytes.</param>
    public static IServiceCollection AddEtcdApi(this IServiceCollection services, ApiContext api, int receiveBytesMax)
    {
        ArgumentNullException.ThrowIfNull(api);
        services.AddSingleton(api);
        services.AddSingleton(api.Figures.Grpc);
        services.AddSingleton<KvService>();
        services.AddSingleton<WatchService>();
        services.AddSingleton<ServingState>();
        services.AddSingleton<DamageErrors>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<KvService>, KvMethods>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<WatchService>, WatchMethods>());
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = receiveBytesMax;
            grpc.MaxSendMessageSize = null;
        });
        services.AddSingleton(_ => new PasswordDesk(api.Auth.Options.PasswordCost));
        services.AddGenerated<AuthService>();
        services.AddGenerated<LeaseService>();
        services.AddGenerated<ClusterService>();
        services.AddGenerated<MaintenanceService>();
        services.AddGenerated<LockService>();
        services.AddGenerated<ElectionService>();
        services.AddGenerated<HealthService>();
        return services;
    }

    /// <summary>Maps gRPC services and HTTP endpoints of the client port.</summary>
    /// <param name="app">Where.</param>
    /// <param name="api">The node.</param>
    /// <param name="withGateway">Whether the API is served as JSON, too.</param>
    public static void MapEtcdApi(this IEndpointRouteBuilder app, ApiContext api, bool withGateway = true)
    {
        ArgumentNullException.ThrowIfNull(api);
        GrpcFigures figures = api.Figures.Grpc;
        app.MapGrpcService<KvService>().Counted(figures);
        app.MapGrpcService<WatchService>().Counted(figures);
        app.MapGrpcService<Metered<AuthService>>().Counted(figures);
        app.MapGrpcService<Metered<LeaseService>>().Counted(figures);
        app.MapGrpcService<Metered<ClusterService>>().Counted(figures);
        app.MapGrpcService<Metered<MaintenanceService>>().Counted(figures);
        app.MapGrpcService<Metered<LockService>>().Counted(figures);
        app.MapGrpcService<Metered<ElectionService>>().Counted(figures);
        app.MapGrpcService<Metered<HealthService>>().Counted(figures);
        app.MapExact("/version", http => VersionEndpoint.Handle(http, api.Status));
        if (withGateway)
        {
            app.MapGateway(api);
        }

        app.MapEtcdMetrics(api);
    }

    /// <summary>Maps what a port for metrics serves, which every client port does, too: metrics and health.</summary>
    /// <param name="app">Where.</param>
    /// <param name="api">The node.</param>
    public static void MapEtcdMetrics(this IEndpointRouteBuilder app, ApiContext api)
    {
        app.MapExact("/metrics", http => MetricsEndpoint.Handle(http, api));
        app.MapExact("/health", http => HealthEndpoint.Handle(http, api));
        HealthChecks.Live(api).Map(app);
        HealthChecks.Ready(api).Map(app);
        app.MapNotFound();
    }

    /// <summary>Counts calls and lets them in, or refuses them, before anything of them is read; see <see cref="CallAdmission"/>.</summary>
    /// <param name="app">Where.</param>
    /// <param name="api">The node.</param>
    public static void UseCallAdmission(this IApplicationBuilder app, ApiContext api)
    {
        ArgumentNullException.ThrowIfNull(api);
        app.UseCallMeter(api.Figures.Grpc);
        app.Use(next => http =>
            CallAdmission.Refuse(http, api.Status) is { } refusal ? CallAdmission.AnswerAsync(http, refusal) : next(http));
    }

    private static void AddGenerated<TService>(this IServiceCollection services)
        where TService : class
    {
        services.AddSingleton<TService>();
        services.AddSingleton<Metered<TService>>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<Metered<TService>>, MeteredMethods<TService>>());
        services.Configure<GrpcServiceOptions<Metered<TService>>>(options => options.Interceptors.Add<DamageErrors>());
    }

    private static void MapNotFound(this IEndpointRouteBuilder app) =>
        app.MapFallback("{**path}", Reply.NotFoundAsync);
}
