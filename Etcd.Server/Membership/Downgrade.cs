using System.Buffers;
using System.Text.Json;

namespace Etcd.Server.Membership;

/// <summary>
/// A downgrade of the cluster, as the log says: the members are being replaced by ones of the version below. Kept in snapshots as
/// etcd's JSON, <c>{"target-version":"3.6.0","enabled":true}</c>. Immutable.
/// </summary>
/// <param name="Target">The cluster's version when it is done, such as "3.6.0"; empty if none is under way.</param>
public sealed record Downgrade(string Target)
{
    /// <summary>There was one, and it has ended.</summary>
    public static Downgrade None { get; } = new("");

    /// <summary>Whether it is under way.</summary>
    public bool IsEnabled => Target.Length > 0;

    /// <summary>Encodes.</summary>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("target-version", Target);
            json.WriteBoolean("enabled", IsEnabled);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Decodes.</summary>
    /// <param name="text">The JSON text.</param>
    /// <exception cref="JsonException">It is none, or names no version though it is under way.</exception>
    public static Downgrade FromJson(ReadOnlyMemory<byte> text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException("a downgrade is an object");
        }

        if (!root.TryGetProperty("enabled", out JsonElement enabled) || enabled.ValueKind != JsonValueKind.True)
        {
            return None;
        }

        string? target = root.TryGetProperty("target-version", out JsonElement version) && version.ValueKind == JsonValueKind.String
            ? version.GetString()
            : null;
        return target is not null && DowngradeRules.ParseTarget(target) is not null
            ? new Downgrade(target)
            : throw new JsonException("a downgrade that is under way names its version");
    }
}
