using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Etcd.Client;

/// <summary>Makes serializers.</summary>
public static class EtcdSerializer
{
    /// <summary>JSON by System.Text.Json's generated code, which needs no reflection.</summary>
    /// <example>
    /// <code>
    /// IEtcdSerializer&lt;Settings&gt; json = EtcdSerializer.Json(AppJson.Default.Settings);
    /// await client.PutAsync("settings", new Settings("blue"), json);
    /// </code>
    /// </example>
    public static IEtcdSerializer<T> Json<T>(JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return new JsonEtcdSerializer<T>(type);
    }

    internal static EtcdValue Write<T>(this IEtcdSerializer<T> serializer, T value)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        var writer = new ArrayBufferWriter<byte>();
        serializer.Serialize(value, writer);
        return new EtcdValue(writer.WrittenMemory);
    }

    private sealed class JsonEtcdSerializer<T>(JsonTypeInfo<T> type) : IEtcdSerializer<T>
    {
        public void Serialize(T value, IBufferWriter<byte> writer)
        {
            using var json = new Utf8JsonWriter(writer);
            JsonSerializer.Serialize(json, value, type);
        }

        public T Deserialize(ReadOnlyMemory<byte> bytes) => JsonSerializer.Deserialize(bytes.Span, type)!;
    }
}
