using System.Text.Json;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Microsoft.AspNetCore.Http;

namespace Etcd.Server.Api.Http;

/// <summary>GET /version: <c>{"etcdserver":"3.7.1","etcdcluster":"3.7.0","storage":"3.7.0"}</c>, on client and peer ports.</summary>
internal static class VersionEndpoint
{
    /// <summary>Answers the request.</summary>
    public static Task Handle(HttpContext http, IMemberStatus status)
    {
        if (!HttpMethods.IsGet(http.Request.Method))
        {
            return Reply.MethodNotAllowedAsync(http);
        }

        string cluster = JsonSerializer.Serialize(status.ClusterVersion ?? "not_decided", StringJson.Default.String);
        string storage = EtcdVersion.StorageOf(status.ClusterVersion) ?? "unknown";
        return Reply.TextAsync(
            http,
            $$"""{"etcdserver":"{{status.ServerVersion}}","etcdcluster":{{cluster}},"storage":"{{storage}}"}""",
            "application/json");
    }
}
