using Etcd.Configuration.Mapping;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Etcd.Configuration.Values;

/// <summary>YAML, with the same settings as the JSON document of the same content. Anchors and merge keys are followed.</summary>
internal static class YamlValues
{
    private const string MergeKey = "<<";

    // The stream and the document are a level each.
    private const int DepthWithFrame = DocumentSettings.DepthMax + 2;

    /// <exception cref="FormatException">It is no YAML, or more than one document.</exception>
    public static IEnumerable<KeyValuePair<string, string?>> Read(string yaml)
    {
        try
        {
            RequireShallow(yaml);
            var stream = new YamlStream();
            stream.Load(new StringReader(yaml));
            if (stream.Documents.Count > 1)
                throw new FormatException("it has several YAML documents");
            var settings = new DocumentSettings();
            foreach (YamlDocument document in stream.Documents)
                Visit(document.RootNode, "", DocumentSettings.DepthMax, settings);
            return settings.All;
        }
        catch (YamlException e)
        {
            // Not with its cause, whose message may have a piece of the value in it.
            throw new FormatException($"it is not valid YAML at line {e.Start.Line}, column {e.Start.Column}");
        }
    }

    // The stream's Load goes down as deep as the document does, and a stack that overflows ends the process.
    private static void RequireShallow(string yaml)
    {
        var parser = new Parser(new StringReader(yaml));
        int depth = 0;
        while (parser.MoveNext())
        {
            depth += parser.Current!.NestingIncrease;
            if (depth > DepthWithFrame)
                throw TooDeep();
        }
    }

    private static void Visit(YamlNode node, string name, int depth, DocumentSettings settings)
    {
        if (depth < 0)
            throw TooDeep();
        switch (node)
        {
            case YamlMappingNode mapping:
                VisitMapping(mapping, name, depth, settings);
                break;
            case YamlSequenceNode sequence:
                VisitSequence(sequence, name, depth, settings);
                break;
            case YamlScalarNode scalar:
                settings.Add(name, IsNull(scalar) ? null : scalar.Value);
                break;
            default:
                throw new FormatException("it has an alias to nothing");
        }
    }

    private static void VisitMapping(YamlMappingNode mapping, string name, int depth, DocumentSettings settings)
    {
        var entries = new OrderedDictionary<string, YamlNode>(StringComparer.Ordinal);
        Collect(mapping, depth, entries);
        foreach ((string part, YamlNode value) in entries)
            Visit(value, SettingName.Join(name, part), depth - 1, settings);
        if (entries.Count == 0 && name.Length != 0)
            settings.Add(name, null);
    }

    /// <summary>The entries of a mapping, and those that it merges, which its own override (YAML's merge key: <c>&lt;&lt;: *base</c>).</summary>
    private static void Collect(YamlMappingNode mapping, int depth, OrderedDictionary<string, YamlNode> entries)
    {
        if (depth < 0)
            throw TooDeep();
        foreach ((YamlNode key, YamlNode value) in mapping.Children)
        {
            if (key is not YamlScalarNode { Value: { } part } scalar)
                throw new FormatException($"it has a key that is no text at line {key.Start.Line}");
            if (part != MergeKey || scalar.Style != ScalarStyle.Plain)
                entries.TryAdd(part, value);
        }

        // After its own, and the first of several before the others: who comes first counts.
        if (mapping.Children.TryGetValue(new YamlScalarNode(MergeKey), out YamlNode? merged))
            foreach (YamlNode source in merged is YamlSequenceNode several ? several : [merged])
                Collect(source as YamlMappingNode ?? throw new FormatException("it merges what is no mapping"), depth - 1, entries);
    }

    private static void VisitSequence(YamlSequenceNode sequence, string name, int depth, DocumentSettings settings)
    {
        int index = 0;
        foreach (YamlNode item in sequence)
            Visit(item, DocumentSettings.Element(name, index++), depth - 1, settings);
        if (index == 0)
            settings.Add(name, "");
    }

    private static FormatException TooDeep() => new($"it is nested more than {DocumentSettings.DepthMax} deep");

    // YAML's core schema; a quoted null is a text.
    private static bool IsNull(YamlScalarNode scalar) =>
        scalar.Style == ScalarStyle.Plain && scalar.Value is (null or "" or "~" or "null" or "Null" or "NULL");
}
