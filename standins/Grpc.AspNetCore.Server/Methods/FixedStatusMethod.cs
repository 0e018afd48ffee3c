using Grpc.AspNetCore.Server.Calls;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Methods;

/// <summary>Ends each call with a status that depends on its path alone: what is unknown here.</summary>
internal sealed class FixedStatusMethod(Func<string, string, Status> statusOf) : ServerMethod
{
    public override Task InvokeAsync(CallStream stream)
    {
        var path = stream.Method.AsSpan().TrimStart('/');
        var slash = path.LastIndexOf('/');
        var (service, method) = slash < 0 ? (string.Empty, path.ToString()) : (path[..slash].ToString(), path[(slash + 1)..].ToString());
        stream.SetStatus(statusOf(service, method), null);
        return Task.CompletedTask;
    }
}
