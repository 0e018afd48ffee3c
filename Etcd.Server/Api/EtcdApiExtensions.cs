using Etcd.Server.Api.Cluster;
using Etcd.Server.Api.Http;
using Etcd.Server.Api.Kv;
using Etcd.Server.Api.Leases;
using Etcd.Server.Api.Maintenance;
using Etcd.Server.Api.Watches;
using Etcd.Server.Node;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
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
        services.AddSingleton(api);
        services.AddSingleton<KvService>();
        services.AddSingleton<WatchService>();
        services.AddSingleton<LeaseService>();
        services.AddSingleton<ClusterService>();
        services.AddSingleton<MaintenanceService>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<KvService>, KvMethods>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<WatchService>, WatchMethods>());
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = receiveBytesMax;
            grpc.MaxSendMessageSize = null;
        });
        return services;
    }

    /// <summary>Maps gRPC services and HTTP endpoints of the client port.</summary>
    /// <param name="app">Where.</param>
    /// <param name="api">The node.</param>
    public static void MapEtcdApi(this IEndpointRouteBuilder app, ApiContext api)
    {
        app.MapGrpcService<KvService>();
        app.MapGrpcService<WatchService>();
        app.MapGrpcService<LeaseService>();
        app.MapGrpcService<ClusterService>();
        app.MapGrpcService<MaintenanceService>();
        app.Map("/health", http => HealthEndpoint.Handle(http, api));
        app.Map("/version", http => VersionEndpoint.Handle(http, api.Status));
        app.MapNotFound();
    }

    /// <summary>Lets calls in, or refuses them, before anything of them is read; see <see cref="CallAdmission"/>.</summary>
    /// <param name="app">Where.</param>
    /// <param name="status">The member.</param>
    public static void UseCallAdmission(this IApplicationBuilder app, IMemberStatus status) => app.Use(next => http =>
        CallAdmission.Refuse(http, status) is { } refusal ? CallAdmission.AnswerAsync(http, refusal) : next(http));

    private static void MapNotFound(this IEndpointRouteBuilder app) =>
        app.MapFallback("{**path}", http => Reply.ErrorAsync(http, StatusCodes.Status404NotFound, "404 page not found"));
}
