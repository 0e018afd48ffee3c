using Grpc.AspNetCore.Server.Calls;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server.Interception;

/// <summary>
/// Gives a call its instance of an interceptor: a registered service comes from the container, any other is created
/// for each call and disposed after it.
/// </summary>
internal abstract class InterceptorSource
{
    public abstract Interceptor Get(ServerCall call);

    public static InterceptorSource Create(InterceptorRegistration registration, IServiceProvider root, ServiceLifetime? lifetime) => lifetime switch
    {
        ServiceLifetime.Singleton => new Fixed((Interceptor)root.GetRequiredService(registration.Type)),
        null => new Activated(registration),
        _ => new Scoped(registration.Type),
    };

    private sealed class Fixed(Interceptor instance) : InterceptorSource
    {
        public override Interceptor Get(ServerCall call) => instance;
    }

    private sealed class Scoped(Type type) : InterceptorSource
    {
        public override Interceptor Get(ServerCall call) => (Interceptor)call.Stream.Services.GetRequiredService(type);
    }

    private sealed class Activated : InterceptorSource
    {
        private readonly object[] _arguments;
        private readonly ObjectFactory _factory;

        public Activated(InterceptorRegistration registration)
        {
            _arguments = [.. registration.Arguments];
            _factory = ActivatorUtilities.CreateFactory(registration.Type, Array.ConvertAll(_arguments, argument => argument.GetType()));
        }

        public override Interceptor Get(ServerCall call)
        {
            var instance = (Interceptor)_factory(call.Stream.Services, _arguments);
            if (instance is IDisposable or IAsyncDisposable)
            {
                call.Own(instance);
            }

            return instance;
        }
    }
}
