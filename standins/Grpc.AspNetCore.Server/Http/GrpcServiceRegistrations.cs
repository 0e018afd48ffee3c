using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server.Http;

/// <summary>Tells how a service was registered; also the mark that <c>AddGrpc</c> was called.</summary>
internal sealed class GrpcServiceRegistrations(IServiceCollection services)
{
    /// <summary>The lifetime of the registration that the container would take, or null if there is none.</summary>
    public ServiceLifetime? LifetimeOf(Type type) => services.LastOrDefault(s => s.ServiceType == type && !s.IsKeyedService)?.Lifetime;
}
