namespace Grpc.AspNetCore.Server.Model;

/// <summary>
/// Says which methods a service has. Registered as a singleton, it is asked once, when the service is mapped.
/// </summary>
/// <typeparam name="TService">The service.</typeparam>
public interface IServiceMethodProvider<TService>
    where TService : class
{
    /// <summary>Adds the methods to the context.</summary>
    void OnServiceMethodDiscovery(ServiceMethodProviderContext<TService> context);
}
