using System.Collections;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Etcd.Server.Api.Gateway;

/// <summary>
/// Messages as etcd's gateway writes them: proto3's JSON with the names of the .proto files, without what is not set, without blanks.
/// Numbers of 64 bits are strings, bytes are base64. (Google.Protobuf's own formatter writes the same with blanks, by way of UTF-16.)
/// </summary>
internal static class ProtoJsonWriter
{
    /// <summary>Writes a message.</summary>
    /// <param name="json">Where.</param>
    /// <param name="message">The message.</param>
    public static void Write(Utf8JsonWriter json, IMessage message)
    {
        json.WriteStartObject();
        foreach (FieldDescriptor field in message.Descriptor.Fields.InDeclarationOrder())
        {
            WriteField(json, message, field);
        }

        json.WriteEndObject();
    }

    private static void WriteField(Utf8JsonWriter json, IMessage message, FieldDescriptor field)
    {
        if (field.HasPresence && !field.Accessor.HasValue(message))
        {
            return;
        }

        object value = field.Accessor.GetValue(message);
        if (field.IsMap)
        {
            WriteMap(json, field, (IDictionary)value);
        }
        else if (field.IsRepeated)
        {
            WriteList(json, field, (IList)value);
        }
        else if (field.HasPresence || !IsDefault(value))
        {
            json.WritePropertyName(field.Name);
            WriteValue(json, field, value);
        }
    }

    private static void WriteList(Utf8JsonWriter json, FieldDescriptor field, IList list)
    {
        if (list.Count == 0)
        {
            return;
        }

        json.WriteStartArray(field.Name);
        foreach (object value in list)
        {
            WriteValue(json, field, value);
        }

        json.WriteEndArray();
    }

    private static void WriteMap(Utf8JsonWriter json, FieldDescriptor field, IDictionary map)
    {
        if (map.Count == 0)
        {
            return;
        }

        FieldDescriptor valueField = field.MessageType.FindFieldByNumber(2);
        json.WriteStartObject(field.Name);
        foreach (DictionaryEntry entry in map)
        {
            json.WritePropertyName(Convert.ToString(entry.Key, CultureInfo.InvariantCulture) ?? "");
            WriteValue(json, valueField, entry.Value!);
        }

        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, FieldDescriptor field, object value)
    {
        switch (value)
        {
            case IMessage message:
                Write(json, message);
                break;
            case ByteString bytes:
                json.WriteBase64StringValue(bytes.Span);
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case bool truth:
                json.WriteBooleanValue(truth);
                break;
            case long or ulong:
                json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
            case int number when field.FieldType != FieldType.Enum:
                json.WriteNumberValue(number);
                break;
            case uint number:
                json.WriteNumberValue(number);
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case float number:
                json.WriteNumberValue(number);
                break;
            default:
                WriteEnum(json, field, Convert.ToInt32(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    private static void WriteEnum(Utf8JsonWriter json, FieldDescriptor field, int number)
    {
        // One that a newer version knows has a number only.
        if (field.EnumType.FindValueByNumber(number) is { } known)
        {
            json.WriteStringValue(known.Name);
        }
        else
        {
            json.WriteNumberValue(number);
        }
    }

    private static bool IsDefault(object value) => value switch
    {
        ByteString bytes => bytes.IsEmpty,
        string text => text.Length == 0,
        bool truth => !truth,
        long number => number == 0,
        ulong number => number == 0,
        double number => number == 0,
        float number => number == 0,
        _ => Convert.ToInt64(value, CultureInfo.InvariantCulture) == 0,
    };
}
