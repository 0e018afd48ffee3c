using System.Buffers.Text;
using System.Collections;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Etcd.Server.Api.Gateway;

/// <summary>
/// Reads messages as etcd's gateway does: proto3's JSON with the names of the .proto files or those in camel case; what is not known is
/// passed over; numbers may be strings; bytes are base64 of either alphabet, padded or not. (Google.Protobuf's own parser refuses the
/// last two of these, and enums that it does not know.)
/// </summary>
internal static class ProtoJsonReader
{
    /// <summary>Reads a message.</summary>
    /// <param name="json">The JSON value.</param>
    /// <param name="type">The type of message.</param>
    /// <exception cref="FormatException">It is not such a message; the text says why.</exception>
    public static IMessage Read(JsonElement json, MessageDescriptor type)
    {
        IMessage message = type.Parser.ParseFrom(ByteString.Empty);
        try
        {
            Read(json, message);
        }
        catch (InvalidOperationException e)
        {
            // A string that is no UTF-8, or half of a surrogate pair.
            throw new FormatException("invalid string: " + e.Message, e);
        }

        return message;
    }

    private static void Read(JsonElement json, IMessage message)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"unexpected token {json.GetRawText()}");
        }

        HashSet<FieldDescriptor>? seen = null;
        foreach (JsonProperty property in json.EnumerateObject())
        {
            if (Find(message.Descriptor, property.Name) is not { } field || property.Value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (!(seen ??= []).Add(field))
            {
                throw new FormatException($"duplicate field \"{property.Name}\"");
            }

            if (field.RealContainingOneof is { } oneof && oneof.Accessor.GetCaseFieldDescriptor(message) is not null)
            {
                throw new FormatException($"error parsing \"{property.Name}\", oneof {oneof.FullName} is already set");
            }

            ReadField(property, message, field);
        }
    }

    private static FieldDescriptor? Find(MessageDescriptor type, string name) =>
        type.FindFieldByName(name) ?? type.Fields.InDeclarationOrder().FirstOrDefault(field => field.JsonName == name);

    private static void ReadField(JsonProperty property, IMessage message, FieldDescriptor field)
    {
        if (field.IsMap)
        {
            ReadMap(property, (IDictionary)field.Accessor.GetValue(message), field);
        }
        else if (field.IsRepeated)
        {
            ReadList(property, (IList)field.Accessor.GetValue(message), field);
        }
        else if (ReadValue(property.Value, field, property.Name) is { } value)
        {
            field.Accessor.SetValue(message, value);
        }
    }

    private static void ReadList(JsonProperty property, IList list, FieldDescriptor field)
    {
        if (property.Value.ValueKind != JsonValueKind.Array)
        {
            throw Invalid(property.Value, "repeated", property.Name);
        }

        foreach (JsonElement element in property.Value.EnumerateArray())
        {
            if (ReadValue(element, field, property.Name) is { } value)
            {
                list.Add(value);
            }
        }
    }

    private static void ReadMap(JsonProperty property, IDictionary map, FieldDescriptor field)
    {
        if (property.Value.ValueKind != JsonValueKind.Object || field.MessageType.FindFieldByNumber(1).FieldType != FieldType.String)
        {
            throw Invalid(property.Value, "map", property.Name);
        }

        foreach (JsonProperty entry in property.Value.EnumerateObject())
        {
            map[entry.Name] = ReadValue(entry.Value, field.MessageType.FindFieldByNumber(2), entry.Name);
        }
    }

    /// <summary>A value as its field holds it; null for an enum that is not known.</summary>
    private static object? ReadValue(JsonElement json, FieldDescriptor field, string name)
    {
        switch (field.FieldType)
        {
            case FieldType.Message:
                return Read(json, field.MessageType);
            case FieldType.Bytes:
                return ReadBytes(json, name);
            case FieldType.String:
                return json.ValueKind == JsonValueKind.String ? json.GetString()! : throw Invalid(json, "string", name);
            case FieldType.Bool:
                return json.ValueKind is JsonValueKind.True or JsonValueKind.False ? json.GetBoolean() : throw Invalid(json, "bool", name);
            case FieldType.Enum:
                return ReadEnum(json, field, name);
            case FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64:
                return (long)ReadWhole(json, long.MinValue, long.MaxValue, "int64", name);
            case FieldType.UInt64 or FieldType.Fixed64:
                return (ulong)ReadWhole(json, 0, ulong.MaxValue, "uint64", name);
            case FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32:
                return (int)ReadWhole(json, int.MinValue, int.MaxValue, "int32", name);
            case FieldType.UInt32 or FieldType.Fixed32:
                return (uint)ReadWhole(json, 0, uint.MaxValue, "uint32", name);
            case FieldType.Double:
                return json.ValueKind == JsonValueKind.Number ? json.GetDouble() : throw Invalid(json, "double", name);
            default:
                return json.ValueKind == JsonValueKind.Number ? json.GetSingle() : throw Invalid(json, "float", name);
        }
    }

    private static object? ReadEnum(JsonElement json, FieldDescriptor field, string name) => json.ValueKind switch
    {
        JsonValueKind.String when field.EnumType.FindValueByName(json.GetString()!) is { } known => Enum.ToObject(field.EnumType.ClrType, known.Number),
        JsonValueKind.String => null,
        JsonValueKind.Number => Enum.ToObject(field.EnumType.ClrType, (int)ReadWhole(json, int.MinValue, int.MaxValue, "enum", name)),
        _ => throw Invalid(json, "enum", name),
    };

    // 1, "1", 1.0 and 1e2 are whole numbers.
    private static decimal ReadWhole(JsonElement json, decimal min, decimal max, string type, string name)
    {
        string? text = json.ValueKind switch
        {
            JsonValueKind.Number => json.GetRawText(),
            JsonValueKind.String => json.GetString(),
            _ => null,
        };
        const NumberStyles Form = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        bool isWhole = decimal.TryParse(text, Form, CultureInfo.InvariantCulture, out decimal value) && decimal.Truncate(value) == value;
        return isWhole && value >= min && value <= max ? value : throw Invalid(json, type, name);
    }

    private static ByteString ReadBytes(JsonElement json, string name)
    {
        if (json.ValueKind != JsonValueKind.String)
        {
            throw Invalid(json, "bytes", name);
        }

        string text = json.GetString()!;
        try
        {
            if (text.AsSpan().IndexOfAny('-', '_') < 0 && text.Length % 4 == 0)
            {
                return UnsafeByteOperations.UnsafeWrap(Convert.FromBase64String(text));
            }

            return UnsafeByteOperations.UnsafeWrap(Base64Url.DecodeFromChars(text.Replace('+', '-').Replace('/', '_')));
        }
        catch (FormatException)
        {
            throw Invalid(json, "bytes", name);
        }
    }

    private static FormatException Invalid(JsonElement json, string type, string name) =>
        new($"invalid value for {type} field {name}: {json.GetRawText()}");
}
