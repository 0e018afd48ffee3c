using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Etcd.Server.Membership;
using Etcd.Server.Peer;

namespace Etcd.Server.Hosting.Peers;

/// <summary>The JSON bodies that members exchange, as Go writes them: fields that are zero are left out.</summary>
internal static class PeerJson
{
    /// <summary>A list of members with a line's end behind it: Go's encoder writes one.</summary>
    public static byte[] Members(IReadOnlyList<Member> members)
    {
        var text = new ArrayBufferWriter<byte>();
        text.Write("["u8);
        for (int i = 0; i < members.Count; i++)
        {
            text.Write(i == 0 ? ""u8 : ","u8);
            text.Write(MemberJson.Encode(members[i]));
        }

        text.Write("]\n"u8);
        return text.WrittenSpan.ToArray();
    }

    /// <summary>Reads such a list.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static IReadOnlyList<Member> ReadMembers(ReadOnlyMemory<byte> json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind switch
        {
            JsonValueKind.Array => [.. document.RootElement.EnumerateArray().Select(m => MemberJson.Decode(Encoding.UTF8.GetBytes(m.GetRawText())))],
            JsonValueKind.Null => [],
            _ => throw new JsonException("members are a list"),
        };
    }

    /// <summary>The versions of a member; 3.5 says nothing of a storage version.</summary>
    public static byte[] Versions(string server, string cluster, string? storage) => Write(json =>
    {
        json.WriteString("etcdserver", server);
        json.WriteString("etcdcluster", cluster);
        if (storage is not null)
        {
            json.WriteString("storage", storage);
        }
    });

    /// <summary>Reads versions.</summary>
    /// <exception cref="JsonException">It is no such object.</exception>
    public static PeerVersions ReadVersions(ReadOnlyMemory<byte> json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return new PeerVersions(
            Text(document.RootElement, "etcdserver") ?? "",
            Text(document.RootElement, "etcdcluster") ?? "",
            Text(document.RootElement, "storage"));
    }

    /// <summary>The question for a hash.</summary>
    public static byte[] HashRequest(long revision) => Write(json => Number(json, "revision", revision));

    /// <summary>Reads it.</summary>
    /// <exception cref="JsonException">It is no such object.</exception>
    public static long ReadHashRequest(ReadOnlyMemory<byte> json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? Long(document.RootElement, "revision")
            : throw new JsonException("a request is an object");
    }

    /// <summary>The answer to it.</summary>
    public static byte[] Hash(PeerHash hash) => Write(json =>
    {
        json.WriteStartObject("header");
        Number(json, "revision", hash.CurrentRevision);
        json.WriteEndObject();
        Number(json, "hash", hash.Hash);
        Number(json, "compact_revision", hash.CompactRevision);
        Number(json, "hash_revision", hash.Revision);
    });

    /// <summary>Reads the answer.</summary>
    /// <exception cref="JsonException">It is no such object.</exception>
    public static PeerHash ReadHash(ReadOnlyMemory<byte> json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        long current = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("header", out JsonElement header)
            ? Long(header, "revision")
            : throw new JsonException("an answer has a header");
        return new PeerHash(current, unchecked((uint)Long(root, "hash")), Long(root, "compact_revision"), Long(root, "hash_revision"));
    }

    private static byte[] Write(Action<Utf8JsonWriter> fields)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }

        return text.WrittenSpan.ToArray();
    }

    private static void Number(Utf8JsonWriter json, string name, long value)
    {
        if (value != 0)
        {
            json.WriteNumber(name, value);
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out JsonElement text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()
            : null;

    private static long Long(JsonElement root, string name)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(name, out JsonElement number))
        {
            return 0;
        }

        return number.ValueKind == JsonValueKind.Number && number.TryGetInt64(out long value)
            ? value
            : throw new JsonException(string.Create(CultureInfo.InvariantCulture, $"{name} is no whole number"));
    }
}
