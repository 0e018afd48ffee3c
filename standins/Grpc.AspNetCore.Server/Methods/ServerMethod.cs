using Grpc.AspNetCore.Server.Calls;
using Grpc.AspNetCore.Server.Interception;
using Grpc.Core.Interceptors;

namespace Grpc.AspNetCore.Server.Methods;

/// <summary>An entry of the method table: serves a call on any engine's stream.</summary>
internal abstract class ServerMethod
{
    /// <summary>Serves the call; the stream's end has been decided when the task is complete. It never fails.</summary>
    public abstract Task InvokeAsync(CallStream stream);
}

/// <summary>A method of a service, with what all kinds of calls have in common.</summary>
internal abstract class ServerMethod<TService>(MethodSettings settings, ServiceSource<TService> services, InterceptorSource[] interceptors) : ServerMethod
    where TService : class
{
    protected bool HasInterceptors => interceptors.Length > 0;

    public sealed override async Task InvokeAsync(CallStream stream)
    {
        var call = new ServerCall(stream, settings);
        try
        {
            call.Begin();
            var service = services.Get(call);
            await RunAsync(service, call).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            call.Fail(failure);
        }
        finally
        {
            await call.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The call's interceptors, created from the outermost on, so that they are disposed from the innermost on.</summary>
    protected IEnumerable<Interceptor> InnermostFirst(ServerCall call) =>
        interceptors.Length == 0 ? [] : Array.ConvertAll(interceptors, source => source.Get(call)).Reverse();

    /// <summary>Serves the call and ends it, unless it throws.</summary>
    protected abstract ValueTask RunAsync(TService service, ServerCall call);
}
