using Grpc.AspNetCore.Server.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps gRPC services to endpoints.</summary>
public static class GrpcEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps all methods of a service: those that its class is bound to by <c>BindServiceMethodAttribute</c>, and those that
    /// registered <c>IServiceMethodProvider</c>s add.
    /// </summary>
    /// <exception cref="InvalidOperationException"><c>AddGrpc</c> has not been called.</exception>
    public static GrpcServiceEndpointConventionBuilder MapGrpcService<TService>(this IEndpointRouteBuilder builder)
        where TService : class
    {
        ArgumentNullException.ThrowIfNull(builder);
        var registrations = builder.ServiceProvider.GetService<GrpcServiceRegistrations>()
            ?? throw new InvalidOperationException("AddGrpc has to be called on the services of the application first.");
        return new ServiceMapper<TService>(builder, registrations).Map();
    }
}
