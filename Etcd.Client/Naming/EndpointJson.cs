using System.Buffers;
using System.Text.Json;

namespace Etcd.Client;

/// <summary>
/// The values of endpoints as Go's naming/endpoints writes them: <c>{"Op":0,"Addr":"10.0.0.7:8080","Metadata":null}</c>. Go reads names
/// without regard to case, so this does too. Written by hand, as metadata may be any JSON and no reflection is wanted.
/// </summary>
internal static class EndpointJson
{
    private const int OpAdd = 0;

    public static EtcdValue Write(EtcdServiceEndpoint endpoint)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("Op", OpAdd);
            json.WriteString("Addr", endpoint.Address);
            json.WritePropertyName("Metadata");
            if (endpoint.Metadata is { } metadata)
                metadata.WriteTo(json);
            else
                json.WriteNullValue();
            json.WriteEndObject();
        }

        return new EtcdValue(buffer.WrittenMemory);
    }

    /// <returns>Null for what is not an endpoint.</returns>
    public static EtcdServiceEndpoint? Read(EtcdValue value)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(value.Memory);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                return null;
            (string address, JsonElement? metadata) = ("", null);
            foreach (JsonProperty property in json.RootElement.EnumerateObject())
            {
                if (property.Name.Equals("Addr", StringComparison.OrdinalIgnoreCase))
                    address = property.Value.GetString() ?? "";
                else if (property.Name.Equals("Metadata", StringComparison.OrdinalIgnoreCase) && property.Value.ValueKind != JsonValueKind.Null)
                    metadata = property.Value.Clone();
            }

            return new EtcdServiceEndpoint(address, metadata);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
