using System.Buffers;
using System.Text.Json;
using Etcd.Server.Primitives;

namespace Etcd.Server.Membership;

/// <summary>
/// A member as JSON, the way etcd carries it in the context of a configuration change, for example
/// <c>{"id":10276657743932975437,"peerURLs":["http://localhost:2380"],"name":"default"}</c>. The id is a number; Go
/// members stop if it is not the one that the change names.
/// </summary>
public static class MemberJson
{
    /// <summary>Encodes.</summary>
    /// <param name="member">The member.</param>
    /// <param name="isPromotion">Whether this is the context of a change that makes a learner a voter.</param>
    public static byte[] Encode(Member member, bool isPromotion = false)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("id", member.Id.Value);
            WriteList(json, "peerURLs", member.PeerUrls);
            if (member.IsLearner)
            {
                json.WriteBoolean("isLearner", true);
            }

            if (member.Name.Length > 0)
            {
                json.WriteString("name", member.Name);
            }

            if (member.ClientUrls.Count > 0)
            {
                WriteList(json, "clientURLs", member.ClientUrls);
            }

            if (isPromotion)
            {
                json.WriteBoolean("isPromote", true);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Decodes; members that are not known are passed over.</summary>
    /// <param name="json">The JSON text.</param>
    /// <exception cref="JsonException">It is not such an object.</exception>
    public static Member Decode(ReadOnlyMemory<byte> json) => Decode(json, out _);

    /// <summary>Decodes; members that are not known are passed over.</summary>
    /// <param name="json">The JSON text.</param>
    /// <param name="isPromotion">Whether it is the context of a change that makes a learner a voter.</param>
    /// <exception cref="JsonException">It is not such an object.</exception>
    public static Member Decode(ReadOnlyMemory<byte> json, out bool isPromotion)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object
            || !root.TryGetProperty("id", out JsonElement id)
            || id.ValueKind != JsonValueKind.Number
            || !id.TryGetUInt64(out ulong value))
        {
            throw new JsonException("a member has a number as its id");
        }

        isPromotion = root.TryGetProperty("isPromote", out JsonElement promote) && promote.ValueKind == JsonValueKind.True;
        return new Member(
            new MemberId(value),
            ReadList(root, "peerURLs"),
            root.TryGetProperty("isLearner", out JsonElement learner) && learner.ValueKind == JsonValueKind.True,
            root.TryGetProperty("name", out JsonElement name) ? name.GetString() ?? "" : "",
            ReadList(root, "clientURLs"));
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static List<string> ReadList(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(item => item.GetString() ?? "")]
            : [];
}
