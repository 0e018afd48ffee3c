using Grpc.Core;

namespace Etcd.Protocol.Errors;

/// <summary>
/// A request ends with an error of the table. The server's rooms throw it; because it is an <see cref="RpcException"/>, it is
/// already the status of the call that it ends, and no layer on the way has to catch and translate it.
/// </summary>
/// <param name="error">The error.</param>
public sealed class EtcdErrorException(EtcdError error) : RpcException(error.ToStatus(), error.Text)
{
    /// <summary>The error.</summary>
    public EtcdError Error { get; } = error;
}
