using System.Text.Json;
using Etcd.Protocol.Errors;
using Etcd.Server.Primitives;
using Microsoft.AspNetCore.Http;

namespace Etcd.Server.Api.Http;

/// <summary>
/// GET /health: whether the member has a leader and answers a read. <c>{"health":"true","reason":""}</c> with 200, or
/// "false" with the reason and 503. <c>?serializable=true</c> asks only for what this member can do alone.
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
        string reason = await Check(api, serializable, http.RequestAborted).ConfigureAwait(false);
        Task replied = reason.Length == 0
            ? Reply.TextAsync(http, Body("true", ""))
            : Reply.ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, Body("false", reason));
        await replied.ConfigureAwait(false);
    }

    private static string Body(string health, string reason) =>
        $$"""{"health":"{{health}}","reason":{{JsonSerializer.Serialize(reason, StringJson.Default.String)}}}""";

    private static async Task<string> Check(ApiContext api, bool serializable, CancellationToken cancellation)
    {
        if (serializable)
        {
            return "";
        }

        if (api.Status.Leader == MemberId.None)
        {
            return "RAFT NO LEADER";
        }

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(api.Options.RequestTimeout);
        try
        {
            await api.Reads.LinearizeAsync(timeout.Token).ConfigureAwait(false);
            return "";
        }
        catch (EtcdErrorException e)
        {
            return "RANGE ERROR:" + e.Error.Text;
        }
        catch (OperationCanceledException)
        {
            return "RANGE ERROR:" + EtcdErrors.Timeout.Text;
        }
    }
}
