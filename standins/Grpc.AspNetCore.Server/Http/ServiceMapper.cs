using Grpc.AspNetCore.Server.Calls;
using Grpc.AspNetCore.Server.Interception;
using Grpc.AspNetCore.Server.Methods;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Grpc.AspNetCore.Server.Http;

/// <summary>Finds a service's methods, resolves its options and adds the endpoints. At start-up only.</summary>
internal sealed class ServiceMapper<TService>(IEndpointRouteBuilder routes, GrpcServiceRegistrations registrations)
    where TService : class
{
    private readonly IServiceProvider _services = routes.ServiceProvider;

    public GrpcServiceEndpointConventionBuilder Map()
    {
        var all = _services.GetRequiredService<IOptions<GrpcServiceOptions>>().Value;
        var methods = FindMethods(all, _services.GetRequiredService<IOptions<GrpcServiceOptions<TService>>>().Value);
        var endpoints = methods.ConvertAll(MapMethod);
        _services.GetRequiredService<UnknownMethods>()
            .Map(routes, methods.Select(m => m.Method.ServiceName).Distinct(StringComparer.Ordinal), all.IgnoreUnknownServices ?? false);
        return new GrpcServiceEndpointConventionBuilder(endpoints);
    }

    private List<MappedMethod> FindMethods(GrpcServiceOptions all, GrpcServiceOptions<TService> one)
    {
        var logger = _services.GetRequiredService<ILoggerFactory>().CreateLogger(CallLog.Category);
        var source = ServiceSource<TService>.Create(_services, registrations.LifetimeOf(typeof(TService)));
        InterceptorSource[] interceptors = [.. all.Interceptors.Concat(one.Interceptors).Select(Interceptor)];
        var factory = new MethodFactory<TService>(MethodSettings.Resolve(all, one, logger), source, interceptors);
        var context = new ServiceMethodProviderContext<TService>(factory);
        foreach (var provider in _services.GetServices<IServiceMethodProvider<TService>>())
        {
            provider.OnServiceMethodDiscovery(context);
        }

        return context.Methods.Count > 0
            ? context.Methods
            : throw new InvalidOperationException($"No gRPC methods were found for the service {typeof(TService)}.");
    }

    private InterceptorSource Interceptor(InterceptorRegistration registration) =>
        InterceptorSource.Create(registration, _services, registrations.LifetimeOf(registration.Type));

    private IEndpointConventionBuilder MapMethod(MappedMethod mapped)
    {
        var endpoint = routes.Map(mapped.Pattern, mapped.Invoker);
        endpoint.Add(builder =>
        {
            builder.DisplayName = $"gRPC - {mapped.Pattern.RawText}";
            builder.Metadata.Add(new GrpcMethodMetadata(typeof(TService), mapped.Method));
            builder.Metadata.Add(new HttpMethodMetadata(["POST"], acceptCorsPreflight: true));
            foreach (var item in mapped.Metadata)
            {
                builder.Metadata.Add(item);
            }
        });
        return endpoint;
    }
}
