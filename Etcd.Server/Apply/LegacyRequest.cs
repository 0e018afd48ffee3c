using System.Globalization;
using System.Text;
using System.Text.Json;
using Etcd.Protocol.Wire;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;

namespace Etcd.Server.Apply;

/// <summary>
/// What members of etcd 3.5 write into the log for a member's attributes and the cluster's version: a request of the API before
/// this one (etcdserverpb.Request: 1 id, 2 method, 3 path, 4 value), raw, in the place of the envelope of
/// <see cref="CommandReader"/>. Example: method <c>PUT</c>, path <c>/0/members/8e9e05c52164694d/attributes</c>, value
/// <c>{"name":"a","clientURLs":["http://localhost:2379"]}</c>; or path <c>/0/version</c>, value <c>3.5.0</c>. Nothing else of that
/// API touches what is kept today.
/// </summary>
internal static class LegacyRequest
{
    /// <summary>The method's field. In the envelope its number stands for nothing that is written any more: this tells the two apart.</summary>
    public const int MethodField = 2;

    private const string MembersPath = "/0/members/";
    private const string AttributesPath = "/attributes";
    private const string VersionPath = "/0/version";

    /// <summary>Applies it, where it is of any effect.</summary>
    /// <param name="data">The entry's data.</param>
    /// <param name="cluster">The members.</param>
    /// <exception cref="ProtoFormatException">It is no such request: the log is not what it should be.</exception>
    public static void Apply(ReadOnlySpan<byte> data, ClusterState cluster)
    {
        string method = "", path = "", value = "";
        var reader = new ProtoReader(data);
        while (!reader.IsAtEnd)
        {
            uint tag = reader.ReadTag();
            switch (tag)
            {
                case 0x12:
                    method = Encoding.UTF8.GetString(reader.ReadBytes());
                    break;
                case 0x1a:
                    path = Encoding.UTF8.GetString(reader.ReadBytes());
                    break;
                case 0x22:
                    value = Encoding.UTF8.GetString(reader.ReadBytes());
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }

        if (method != "PUT")
        {
            return;
        }

        if (path == VersionPath)
        {
            cluster.SetVersion(value);
        }
        else if (path.StartsWith(MembersPath, StringComparison.Ordinal) && path.EndsWith(AttributesPath, StringComparison.Ordinal)
            && ulong.TryParse(path[MembersPath.Length..^AttributesPath.Length], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong id))
        {
            SetAttributes(new MemberId(id), value, cluster);
        }
    }

    private static void SetAttributes(MemberId id, string json, ClusterState cluster)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        string name = root.TryGetProperty("name", out JsonElement text) ? text.GetString() ?? "" : "";
        string[] urls = root.TryGetProperty("clientURLs", out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(u => u.GetString() ?? "")]
            : [];
        cluster.SetAttributes(id, name, urls);
    }
}
