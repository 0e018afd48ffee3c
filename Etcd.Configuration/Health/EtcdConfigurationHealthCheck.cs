using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Etcd.Configuration.Health;

/// <summary>
/// Says of which revision the settings are, and how old that knowledge is. Fails while they are not known to be what etcd has: they come from
/// the last known good file or from nowhere, a newer value cannot be read, or etcd has been silent for too long. The application works
/// on all the same, so the failure is by default no more than degraded health.
/// </summary>
internal sealed class EtcdConfigurationHealthCheck(IConfiguration configuration) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var problems = new List<string>();
        var data = new Dictionary<string, object>();
        Exception? cause = null;
        foreach (EtcdConfigurationProvider provider in configuration.GetEtcdProviders())
        {
            EtcdConfigurationStatus status = provider.Status;
            data[provider.Name + ":revision"] = status.Revision;
            data[provider.Name + ":origin"] = status.Origin.ToString();
            if (status.Age is { } age)
                data[provider.Name + ":age"] = age;
            if (Describe(status, provider.StaleAfter) is { } problem)
                problems.Add($"{provider.Name}: {problem}");
            cause ??= status.Problem;
        }

        return Task.FromResult(problems.Count == 0
            ? HealthCheckResult.Healthy(data: data)
            : new HealthCheckResult(context.Registration.FailureStatus, string.Join("; ", problems), cause, data));
    }

    private static string? Describe(EtcdConfigurationStatus status, TimeSpan? staleAfter)
    {
        if (status.Problem is not null)
            return $"{status.Problem.Message} (in use: {status.Origin}, revision {status.Revision})";
        if (status.Origin != EtcdConfigurationOrigin.Etcd)
            return "nothing was loaded";
        return status.Age > staleAfter ? $"etcd has been silent for {status.Age}" : null;
    }
}
