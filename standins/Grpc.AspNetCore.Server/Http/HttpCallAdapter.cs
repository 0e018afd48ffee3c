using System.Globalization;
using Grpc.AspNetCore.Server.Calls;
using Grpc.AspNetCore.Server.Methods;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server.Http;

/// <summary>Serves a method of the table as an ASP.NET endpoint; what is not gRPC over HTTP/2 is refused here.</summary>
internal sealed class HttpCallAdapter(ServerMethod method)
{
    public Task InvokeAsync(HttpContext http)
    {
        var request = http.Request;
        if (!GrpcContentType.Matches(request.ContentType))
        {
            return Refuse(http, StatusCodes.Status415UnsupportedMediaType, GrpcErrors.ContentType(request.ContentType));
        }

        if (!HttpProtocol.IsHttp2(request.Protocol) && !HttpProtocol.IsHttp3(request.Protocol))
        {
            http.Response.Headers.Upgrade = "HTTP/2";
            return Refuse(http, StatusCodes.Status426UpgradeRequired, GrpcErrors.HttpVersion(request.Protocol));
        }

        return method.InvokeAsync(new HttpContextCallStream(http));
    }

    private static Task Refuse(HttpContext http, int httpStatus, in Status status)
    {
        http.Response.StatusCode = httpStatus;
        http.Response.Headers.GrpcStatus = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
        http.Response.Headers.GrpcMessage = PercentEncoding.Encode(status.Detail);
        return Task.CompletedTask;
    }
}
