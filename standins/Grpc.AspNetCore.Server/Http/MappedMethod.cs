using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Grpc.AspNetCore.Server.Http;

/// <summary>A method that becomes an endpoint.</summary>
internal sealed record MappedMethod(IMethod Method, RoutePattern Pattern, IList<object> Metadata, RequestDelegate Invoker);
