using System.Collections.Concurrent;

namespace Etcd.Server.Api.Metrics;

/// <summary>What health checks over HTTP have shown. Any thread.</summary>
public sealed class HealthFigures
{
    private readonly ConcurrentDictionary<(string Type, string Name), bool> _last = new();
    private readonly ConcurrentDictionary<(string Type, string Name, bool Succeeded), long> _checks = new();
    private long _successes;
    private long _failures;

    /// <summary>etcd_server_health_success.</summary>
    public long Successes => Volatile.Read(ref _successes);

    /// <summary>etcd_server_health_failures.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>etcd_server_healthcheck.</summary>
    internal IEnumerable<KeyValuePair<(string Type, string Name), bool>> Last => _last;

    /// <summary>etcd_server_healthchecks_total.</summary>
    internal IEnumerable<KeyValuePair<(string Type, string Name, bool Succeeded), long>> Checks => _checks;

    /// <summary>GET /health was answered.</summary>
    internal void CountHealth(bool isHealthy) => Interlocked.Increment(ref isHealthy ? ref _successes : ref _failures);

    /// <summary>One check of /livez or /readyz.</summary>
    internal void CountCheck(string type, string name, bool succeeded)
    {
        _last[(type, name)] = succeeded;
        _checks.AddOrUpdate((type, name, succeeded), 1, static (_, count) => count + 1);
    }
}
