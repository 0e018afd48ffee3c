using System.Text;
using Etcd.Protocol.Errors;
using Etcd.Server.Apply.Alarms;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Etcd.Server.Api.Http;

/// <summary>
/// GET /livez and /readyz, in the way of Kubernetes: some checks, each also below its own path. 200 with <c>ok</c>; or 503 with a line for
/// each check: <c>[+]serializable_read ok</c>, <c>[-]linearizable_read failed: etcdserver: request timed out</c>. <c>?verbose</c> adds the
/// lines to a good answer, <c>?exclude=NAME</c> (any number of times) leaves a check out; names that are none are passed over.
/// </summary>
internal sealed class HealthChecks
{
    private readonly ApiContext _api;
    private readonly string _type;
    private readonly (string Name, Func<CancellationToken, Task<string?>> Run)[] _checks;

    private HealthChecks(ApiContext api, string type, params (string Name, Func<CancellationToken, Task<string?>> Run)[] checks)
    {
        _api = api;
        _type = type;
        _checks = checks;
    }

    /// <summary>Whether the process is to be left alone: it answers from its own state.</summary>
    /// <param name="api">The node.</param>
    public static HealthChecks Live(ApiContext api) => new(api, "livez", ("serializable_read", stop => Read(api, serializable: true, stop)));

    /// <summary>Whether clients are to be sent here.</summary>
    /// <param name="api">The node.</param>
    public static HealthChecks Ready(ApiContext api) => new(
        api,
        "readyz",
        ("data_corruption", _ => Task.FromResult(Corruption(api))),
        ("serializable_read", stop => Read(api, serializable: true, stop)),
        ("linearizable_read", stop => Read(api, serializable: false, stop)),
        ("non_learner", _ => Task.FromResult(api.Status.IsLearner ? "not supported for learner" : null)));

    /// <summary>Maps the path of all checks and those of each.</summary>
    /// <param name="app">Where.</param>
    public void Map(IEndpointRouteBuilder app)
    {
        app.MapExact("/" + _type, http => Handle(http, Wanted(http)));
        foreach ((string Name, Func<CancellationToken, Task<string?>> Run) check in _checks)
        {
            app.MapExact($"/{_type}/{check.Name}", http => Handle(http, [check]));
        }
    }

    private static string? Corruption(ApiContext api)
    {
        foreach (RaisedAlarm alarm in api.Alarms.Raised)
        {
            if (alarm.Kind == AlarmKind.Corrupt)
            {
                return "alarm activated: CORRUPT";
            }
        }

        return null;
    }

    private static async Task<string?> Read(ApiContext api, bool serializable, CancellationToken cancellation)
    {
        EtcdError? error = await ReadCheck.RunAsync(api, serializable, cancellation).ConfigureAwait(false);
        return error?.Text;
    }

    private IReadOnlyList<(string Name, Func<CancellationToken, Task<string?>> Run)> Wanted(HttpContext http)
    {
        HashSet<string?> excluded = [.. http.Request.Query["exclude"]];
        return [.. _checks.Where(check => !excluded.Contains(check.Name))];
    }

    private async Task Handle(HttpContext http, IReadOnlyList<(string Name, Func<CancellationToken, Task<string?>> Run)> checks)
    {
        if (!HttpMethods.IsGet(http.Request.Method))
        {
            await Reply.MethodNotAllowedAsync(http).ConfigureAwait(false);
            return;
        }

        var lines = new StringBuilder();
        bool allSucceeded = true;
        foreach ((string name, Func<CancellationToken, Task<string?>> run) in checks)
        {
            string? failure = await run(http.RequestAborted).ConfigureAwait(false);
            lines.Append(failure is null ? $"[+]{name} ok\n" : $"[-]{name} failed: {failure}\n");
            allSucceeded &= failure is null;
            _api.Figures.Health.CountCheck(_type, name, failure is null);
        }

        if (!allSucceeded)
        {
            await Reply.ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, lines.ToString()).ConfigureAwait(false);
            return;
        }

        http.Response.Headers.XContentTypeOptions = "nosniff";
        string details = http.Request.Query.ContainsKey("verbose") ? lines.ToString() : "";
        await Reply.TextAsync(http, details + "ok\n").ConfigureAwait(false);
    }
}
