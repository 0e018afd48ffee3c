using Grpc.AspNetCore.Server.Calls;
using Grpc.AspNetCore.Server.Methods;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Grpc.AspNetCore.Server.Http;

/// <summary>
/// The endpoints that answer gRPC calls of unknown methods, once for each service, and of unknown services. All other requests to such
/// paths are left to the rest of the application.
/// </summary>
internal sealed class UnknownMethods
{
    private readonly HashSet<string> _services = new(StringComparer.Ordinal);
    private bool _anyService;

    public void Map(IEndpointRouteBuilder routes, IEnumerable<string> services, bool ignore)
    {
        if (ignore)
        {
            return;
        }

        if (!_anyService)
        {
            _anyService = true;
            Map(routes, "{service}/{method}", new FixedStatusMethod((service, _) => GrpcErrors.UnknownService(service)));
        }

        foreach (var service in services)
        {
            if (_services.Add(service))
            {
                Map(routes, service + "/{method}", new FixedStatusMethod(GrpcErrors.UnknownMethod));
            }
        }
    }

    private static void Map(IEndpointRouteBuilder routes, string pattern, ServerMethod method)
    {
        var constrained = RoutePatternFactory.Parse(pattern, defaults: null, new RouteValueDictionary { ["method"] = IsGrpc.Instance });
        routes.Map(constrained, new HttpCallAdapter(method).InvokeAsync)
            .WithDisplayName($"gRPC - Unimplemented {pattern}")
            .WithMetadata(new HttpMethodMetadata(["POST"]));
    }

    private sealed class IsGrpc : IRouteConstraint
    {
        public static readonly IsGrpc Instance = new();

        public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
            httpContext is not null && GrpcContentType.Matches(httpContext.Request.ContentType);
    }
}
