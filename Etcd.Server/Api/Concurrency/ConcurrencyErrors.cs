using Etcd.Protocol.Errors;
using Grpc.Core;

namespace Etcd.Server.Api.Concurrency;

/// <summary>
/// How calls of the lock and election services fail. etcd runs them as a client of itself whose errors have lost their codes on the
/// way: everything is Unknown, and the text tells what it is. Clients look for the text.
/// </summary>
internal static class ConcurrencyErrors
{
    /// <summary>Nobody leads an election.</summary>
    public static RpcException NoLeader() => Unknown("election: no leader");

    /// <summary>The leadership of an election is over, or never was.</summary>
    public static RpcException NotLeader() => Unknown("election: not leader");

    /// <summary>The lease, or the key that stood in line, was gone when the turn came.</summary>
    public static RpcException SessionExpired() => Unknown("mutex: session is expired");

    /// <summary>A request without the proof of a leadership.</summary>
    public static RpcException MissingLeader() => Unknown("\"leader\" field must be provided");

    /// <summary>Runs a call, and gives its errors the code that etcd gives them.</summary>
    /// <param name="call">The call.</param>
    public static async Task<T> Run<T>(Func<Task<T>> call)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (EtcdErrorException e) when (e.Error != EtcdErrors.Stopped && e.Error != EtcdErrors.Canceled)
        {
            throw Unknown(e.Error.Text);
        }
    }

    private static RpcException Unknown(string text) => new(new Status(StatusCode.Unknown, text));
}
