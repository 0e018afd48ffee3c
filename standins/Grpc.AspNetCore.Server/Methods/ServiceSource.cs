using Grpc.AspNetCore.Server.Calls;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server.Methods;

/// <summary>Gives a call the instance of its service.</summary>
internal abstract class ServiceSource<TService>
    where TService : class
{
    public abstract TService Get(ServerCall call);

    /// <summary>
    /// The way that the service's registration asks for: a singleton is resolved once, another registered service for
    /// each call in its scope; what is not registered is created for each call and disposed after it.
    /// </summary>
    public static ServiceSource<TService> Create(IServiceProvider root, ServiceLifetime? lifetime) => lifetime switch
    {
        ServiceLifetime.Singleton => new Singleton(root.GetRequiredService<TService>()),
        null => new Activated(),
        _ => new Scoped(),
    };

    private sealed class Singleton(TService instance) : ServiceSource<TService>
    {
        public override TService Get(ServerCall call) => instance;
    }

    private sealed class Scoped : ServiceSource<TService>
    {
        public override TService Get(ServerCall call) => call.Stream.Services.GetRequiredService<TService>();
    }

    private sealed class Activated : ServiceSource<TService>
    {
        private readonly ObjectFactory<TService> _factory = ActivatorUtilities.CreateFactory<TService>([]);

        public override TService Get(ServerCall call)
        {
            var instance = _factory(call.Stream.Services, []);
            if (instance is IDisposable or IAsyncDisposable)
            {
                call.Own(instance);
            }

            return instance;
        }
    }
}
