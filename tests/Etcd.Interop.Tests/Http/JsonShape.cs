using System.Text.Json;
using System.Text.Json.Nodes;

namespace Etcd.Interop.Tests.Http;

/// <summary>A JSON answer in a form that two servers' answers can be compared in: names in order, without what is each server's own.</summary>
internal static class JsonShape
{
    // Hashes and sizes are those of a store's files; the time to live is that of the moment.
    private static readonly HashSet<string> Own = new(StringComparer.Ordinal)
    {
        "raft_term", "hash", "dbSize", "dbSizeInUse", "raftIndex", "raftAppliedIndex", "version", "blob", "remaining_bytes",
    };

    /// <summary>The answer's text; as it is if it is no JSON.</summary>
    /// <param name="text">One value.</param>
    public static string Of(string text)
    {
        try
        {
            return Normal(JsonNode.Parse(text))?.ToJsonString() ?? "null";
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private static JsonNode? Normal(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members
            .Where(m => !IsOfOldErrors(members, m.Key))
            .OrderBy(m => m.Key, StringComparer.Ordinal)
            .Select(m => KeyValuePair.Create(m.Key, IsOwn(m.Key, m.Value) ? "*" : Normal(m.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Normal)]),
        _ => node?.DeepClone(),
    };

    // Errors of grpc-gateway's first version had other names; ours have both.
    private static bool IsOfOldErrors(JsonObject members, string name) =>
        members.ContainsKey("code") && members.ContainsKey("message") && name is "error" or "grpc_code" or "http_code" or "http_status";

    // A key's version is a string of digits, and no server's own.
    private static bool IsOwn(string name, JsonNode? value) =>
        Own.Contains(name) && !(name == "version" && value!.GetValueKind() == JsonValueKind.String && !value.GetValue<string>().Contains('.', StringComparison.Ordinal));
}
