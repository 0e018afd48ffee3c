using System.Text;
using Etcd.Client;
using Etcd.Configuration.Diagnostics;
using Etcd.Configuration.Reading;
using Etcd.Configuration.Values;
using Microsoft.Extensions.Logging;

namespace Etcd.Configuration.Mapping;

/// <summary>
/// Makes settings of what the store has. The same view gives the same settings, whatever was there before: nothing is carried over from
/// one revision to the next.
/// </summary>
internal sealed class SettingsBuilder(IReadOnlyList<SelectedKeys> selections, Func<string, string?>? mapName, ILogger log)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>All settings of a view.</summary>
    /// <exception cref="EtcdConfigurationException">A value cannot be read.</exception>
    public Dictionary<string, string?> Build(StoreView view)
    {
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (SelectedKeys selection in selections)
            foreach ((string name, Setting setting) in ReadLayer(view, selection))
                settings[name] = setting.Value;
        return settings;
    }

    private Dictionary<string, Setting> ReadLayer(StoreView view, SelectedKeys selection)
    {
        var layer = new Dictionary<string, Setting>(StringComparer.OrdinalIgnoreCase);
        foreach (EtcdKeyValue item in view.In(selection.Range))
        {
            string key = Text(item.Key.Span, item, "the name");
            string above = selection.NameOf(key);
            foreach ((string below, string? value) in Parse(selection, key, item))
            {
                string? name = SettingName.Join(above, below);
                if (mapName is not null)
                    name = mapName(name);
                if (!string.IsNullOrEmpty(name))
                    Add(layer, name, new Setting(value, item));
            }
        }

        return layer;
    }

    // Two keys may be one setting: names do not distinguish cases, and a document's entry may be a key too. The newest counts.
    private void Add(Dictionary<string, Setting> layer, string name, Setting setting)
    {
        if (layer.TryGetValue(name, out Setting other) && other.Item != setting.Item)
        {
            bool isNewer = setting.Item.ModRevision >= other.Item.ModRevision;
            ConfigurationLog.SameSetting(log, name, (isNewer ? setting : other).Item.Key, (isNewer ? other : setting).Item.Key);
            if (!isNewer)
                return;
        }

        layer[name] = setting;
    }

    private static IEnumerable<KeyValuePair<string, string?>> Parse(SelectedKeys selection, string key, EtcdKeyValue item)
    {
        if (selection.Parser is { } parser)
            return ParseBy(parser, item);
        try
        {
            return selection.FormatOf(key) switch
            {
                EtcdValueFormat.Json => JsonValues.Read(item.Value.Memory),
                EtcdValueFormat.Yaml => YamlValues.Read(Text(item.Value.Span, item, "the value")),
                _ => [new("", Text(item.Value.Span, item, "the value"))],
            };
        }
        catch (FormatException e)
        {
            throw Unreadable(item, e.Message);
        }
    }

    private static IEnumerable<KeyValuePair<string, string?>> ParseBy(
        Func<EtcdKeyValue, IEnumerable<KeyValuePair<string, string?>>> parser, EtcdKeyValue item)
    {
        try
        {
            // Read to the end here, so that what an iterator throws is caught.
            return [.. parser(item)];
        }
        catch (Exception e)
        {
            // Nothing but its type: what it says may have the value in it, as .NET's own FormatException does.
            throw Unreadable(item, $"its parser failed with {e.GetType()}");
        }
    }

    private static string Text(ReadOnlySpan<byte> bytes, EtcdKeyValue item, string what)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Unreadable(item, what + " is not UTF-8");
        }
    }

    private static EtcdConfigurationException Unreadable(EtcdKeyValue item, string why)
    {
        string key = item.Key.ToString();
        return new EtcdConfigurationException($"The key '{key}' of revision {item.ModRevision} is no setting: {why}.") { Key = key };
    }

    private readonly record struct Setting(string? Value, EtcdKeyValue Item);
}
