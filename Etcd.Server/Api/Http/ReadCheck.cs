using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Storage;

namespace Etcd.Server.Api.Http;

/// <summary>Whether this member answers a read.</summary>
internal static class ReadCheck
{
    private static readonly byte[] SmallestKey = [0];

    /// <summary>Reads a key.</summary>
    /// <param name="api">The node.</param>
    /// <param name="serializable">Whether this member's own state will do; else the cluster must agree that it is the newest.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>Why there is no answer; null if there is one.</returns>
    public static async Task<EtcdError?> RunAsync(ApiContext api, bool serializable, CancellationToken cancellation)
    {
        try
        {
            if (!serializable)
            {
                await api.Reads.LinearizeAsync(cancellation).ConfigureAwait(false);
            }

            return api.Reads.Store.Range(new RangeQuery { Key = SmallestKey, KeysOnly = true, Limit = 1 }, new RangeResult()).ToError();
        }
        catch (EtcdErrorException e)
        {
            return e.Error;
        }
        catch (OperationCanceledException)
        {
            return EtcdErrors.Timeout;
        }
    }
}
