using System.Text.Json;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Microsoft.AspNetCore.Http;

namespace Etcd.Server.Api.Http;

/// <summary>GET /version: <c>{"etcdserver":"3.7.1","etcdcluster":"3.7.0","storage":"3.7.0"}</c>, on client and peer ports.</summary>
internal static class VersionEndpoint
{
    /// <summary>Answers the request.</summary>
    public static async Task Handle(HttpContext http, IMemberStatus status)
    {
        if (!Method.IsGet(http))
        {
            return;
        }

        string cluster = JsonSerializer.Serialize(status.ClusterVersion ?? "not_decided", StringJson.Default.String);
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(
            $$"""{"etcdserver":"{{EtcdVersion.Server}}","etcdcluster":{{cluster}},"storage":"{{EtcdVersion.Cluster}}"}""", http.RequestAborted)
            .ConfigureAwait(false);
    }
}
