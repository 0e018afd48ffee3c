using Etcd.Protocol.Errors;
using Etcd.Server.Storage.Disk;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Etcd.Server.Api;

/// <summary>
/// Damaged data as clients see them: DataLoss, "etcdserver: corrupt cluster". For services whose methods are generated; those that
/// are bound by hand do the same where they read.
/// </summary>
internal sealed class DamageErrors : Interceptor
{
    /// <summary>What a client is told.</summary>
    public static EtcdErrorException Exception => EtcdErrors.Corrupt.ToException();

    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            throw Exception;
        }
    }

    /// <inheritdoc/>
    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(request, responseStream, context).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            throw Exception;
        }
    }
}
