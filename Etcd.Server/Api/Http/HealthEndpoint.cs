using System.Text.Json;
using Etcd.Protocol.Errors;
using Etcd.Server.Api.Maintenance;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Primitives;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Etcd.Server.Api.Http;

/// <summary>
/// GET /health: whether no alarm is raised, and the member has a leader and answers a read. <c>{"health":"true","reason":""}</c> with 200,
/// or "false" with the reason and 503. <c>?serializable=true</c> asks only for what this member can do alone, <c>?exclude=NOSPACE</c>
/// (any number of times) passes over an alarm.
/// </summary>
internal static class HealthEndpoint
{
    /// <summary>Answers the request.</summary>
    public static async Task Handle(HttpContext http, ApiContext api)
    {
        if (!HttpMethods.IsGet(http.Request.Method))
        {
            await Reply.MethodNotAllowedAsync(http).ConfigureAwait(false);
            return;
        }

        bool serializable = http.Request.Query["serializable"].FirstOrDefault() == "true";
        string reason = AlarmOf(api, http.Request.Query["exclude"])
            ?? await Check(api, serializable, http.RequestAborted).ConfigureAwait(false);
        api.Figures.Health.CountHealth(reason.Length == 0);
        Task replied = reason.Length == 0
            ? Reply.TextAsync(http, Body("true", ""))
            : Reply.ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, Body("false", reason));
        await replied.ConfigureAwait(false);
    }

    private static string Body(string health, string reason) =>
        $$"""{"health":"{{health}}","reason":{{JsonSerializer.Serialize(reason, StringJson.Default.String)}}}""";

    private static string? AlarmOf(ApiContext api, StringValues excluded)
    {
        foreach (RaisedAlarm alarm in api.Alarms.Raised)
        {
            string name = AlarmText.Name(alarm.Kind);
            if (!excluded.Contains(name))
            {
                return alarm.Kind is AlarmKind.NoSpace or AlarmKind.Corrupt ? "ALARM " + name : "ALARM UNKNOWN";
            }
        }

        return null;
    }

    private static async Task<string> Check(ApiContext api, bool serializable, CancellationToken cancellation)
    {
        if (!serializable && api.Status.Leader == MemberId.None)
        {
            return "RAFT NO LEADER";
        }

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(api.Options.RequestTimeout);
        EtcdError? error = await ReadCheck.RunAsync(api, serializable, timeout.Token).ConfigureAwait(false);
        return error is null ? "" : "RANGE ERROR:" + error.Text;
    }
}
