using Etcd.Protocol.Errors;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Etcd.Client.Hosting;

/// <summary>
/// Whether the cluster answers a read for which it needs a leader, as <c>etcdctl endpoint health</c> asks it. A client that may not read
/// the key is answered too.
/// </summary>
/// <param name="client">The client whose cluster is asked.</param>
public sealed class EtcdHealthCheck(IEtcdClient client) : IHealthCheck
{
    private static readonly EtcdKey Asked = "health";

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        try
        {
            var options = new EtcdRangeOptions { KeysOnly = true };
            EtcdRangeResult answer = await client.Kv.GetRangeAsync(EtcdRange.Single(Asked), options, cancellationToken).ConfigureAwait(false);
            return HealthCheckResult.Healthy(null, new Dictionary<string, object> { ["revision"] = answer.Header.Revision });
        }
        catch (EtcdException e) when (e.ErrorId == EtcdErrorId.PermissionDenied)
        {
            return HealthCheckResult.Healthy();
        }
        catch (EtcdException e)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, e.Message, e);
        }
    }
}
