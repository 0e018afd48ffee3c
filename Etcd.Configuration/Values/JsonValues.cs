using System.Text.Json;
using Etcd.Configuration.Mapping;

namespace Etcd.Configuration.Values;

/// <summary>
/// JSON as .NET's own provider of appsettings.json reads it: comments and trailing commas are let pass, null is a setting without a value, an
/// empty list is an empty text, an empty object has no value. Beyond that the document may be of any kind, not an object only.
/// </summary>
internal static class JsonValues
{
    private static readonly JsonDocumentOptions Options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <exception cref="FormatException">It is no JSON.</exception>
    public static IEnumerable<KeyValuePair<string, string?>> Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Options);
            var settings = new DocumentSettings();
            Visit(document.RootElement, "", settings);
            return settings.All;
        }
        catch (JsonException e)
        {
            // Not as the cause either: its own message may have a piece of the value in it, and causes are logged.
            throw new FormatException($"it is not valid JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}");
        }
    }

    private static void Visit(JsonElement element, string name, DocumentSettings settings)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                VisitObject(element, name, settings);
                break;
            case JsonValueKind.Array:
                VisitArray(element, name, settings);
                break;
            case JsonValueKind.Null:
                settings.Add(name, null);
                break;
            default:
                settings.Add(name, element.ToString());
                break;
        }
    }

    private static void VisitObject(JsonElement element, string name, DocumentSettings settings)
    {
        bool isEmpty = true;
        foreach (JsonProperty property in element.EnumerateObject())
        {
            isEmpty = false;
            Visit(property.Value, SettingName.Join(name, property.Name), settings);
        }

        if (isEmpty && name.Length != 0)
            settings.Add(name, null);
    }

    private static void VisitArray(JsonElement element, string name, DocumentSettings settings)
    {
        int index = 0;
        foreach (JsonElement item in element.EnumerateArray())
            Visit(item, DocumentSettings.Element(name, index++), settings);
        if (index == 0)
            settings.Add(name, "");
    }
}
