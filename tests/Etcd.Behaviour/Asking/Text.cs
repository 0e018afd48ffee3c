using System.Collections;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Etcd.Behaviour.Asking;

/// <summary>
/// Messages as text: every field that is set by its name on the wire, bytes as text, revisions of a session as <c>@n</c>.
/// Example: <c>key:"a" range_end:"\0" revision:@3</c>.
/// </summary>
internal static class Text
{
    private const int BytesShown = 40;

    /// <summary>A message in one line.</summary>
    public static string Line(IMessage message) => string.Join(' ', Fields(message));

    /// <summary>A message in lines: the elements of its lists have one each.</summary>
    public static IEnumerable<string> Lines(IMessage message)
    {
        string single = string.Join(' ', message.Descriptor.Fields.InFieldNumberOrder().Where(f => !IsList(f)).SelectMany(f => Field(message, f)));
        yield return single.Length == 0 ? "(empty)" : single;
        foreach (FieldDescriptor field in message.Descriptor.Fields.InFieldNumberOrder().Where(IsList))
        {
            foreach (object item in (IList)field.Accessor.GetValue(message))
            {
                yield return $"  {field.Name} {Value(field, item)}";
            }
        }
    }

    private static bool IsList(FieldDescriptor field) => field.IsRepeated && field.FieldType == FieldType.Message;

    private static IEnumerable<string> Fields(IMessage message) =>
        message.Descriptor.Fields.InFieldNumberOrder().SelectMany(f => Field(message, f));

    private static IEnumerable<string> Field(IMessage message, FieldDescriptor field)
    {
        object? value = field.Accessor.GetValue(message);
        if (field.IsRepeated)
        {
            var items = (IList)value!;
            return items.Count == 0 ? [] : [$"{field.Name}:[{string.Join(", ", items.Cast<object>().Select(i => Value(field, i)))}]"];
        }

        bool isChosen = field.ContainingOneof is { } union && union.Accessor.GetCaseFieldDescriptor(message) == field;
        return isChosen || !IsDefault(field, value) ? [$"{field.Name}:{Value(field, value!)}"] : [];
    }

    private static bool IsDefault(FieldDescriptor field, object? value) => value switch
    {
        null => true,
        ByteString bytes => bytes.IsEmpty,
        string text => text.Length == 0,
        _ => field.FieldType != FieldType.Message && Convert.ToInt64(value, CultureInfo.InvariantCulture) == 0,
    };

    private static string Value(FieldDescriptor field, object value) => value switch
    {
        IMessage inner => $"{{{Line(inner)}}}",
        ByteString bytes => Quote(bytes.Span),
        string text => $"\"{text}\"",
        bool truth => truth ? "yes" : "no",
        long number => Number(number),
        Enum name => field.EnumType.FindValueByNumber(Convert.ToInt32(name, CultureInfo.InvariantCulture))?.Name ?? name.ToString("D"),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Number(long number) => Relative.IsOne(number)
        ? "@" + (number - Relative.Origin).ToString(CultureInfo.InvariantCulture)
        : number.ToString(CultureInfo.InvariantCulture);

    private static string Quote(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("\"");
        foreach (byte b in bytes[..Math.Min(bytes.Length, BytesShown)])
        {
            if (b == 0)
            {
                text.Append("\\0");
            }
            else if (b is >= 0x20 and < 0x7F and not (byte)'"' and not (byte)'\\')
            {
                text.Append((char)b);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
            }
        }

        text.Append('"');
        return bytes.Length <= BytesShown ? text.ToString() : text.Append(CultureInfo.InvariantCulture, $"...{bytes.Length}").ToString();
    }
}
