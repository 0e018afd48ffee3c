using System.Globalization;
using Etcd.Configuration.Mapping;

namespace Etcd.Configuration.Values;

/// <summary>The settings of one document, as they are found. A setting may come once.</summary>
internal sealed class DocumentSettings
{
    /// <summary>More than any configuration has; a short YAML document can mean billions.</summary>
    public const int CountMax = 100_000;

    /// <summary>How deep documents may be nested: as deep as System.Text.Json lets them.</summary>
    public const int DepthMax = 64;

    private readonly Dictionary<string, string?> _settings = new(StringComparer.OrdinalIgnoreCase);

    public IReadOnlyDictionary<string, string?> All => _settings;

    /// <exception cref="FormatException">It is there already, or there are too many.</exception>
    public void Add(string name, string? value)
    {
        if (_settings.Count == CountMax)
            throw new FormatException($"it has more than {CountMax} settings");
        if (!_settings.TryAdd(name, value))
            throw new FormatException($"it has '{name}' twice");
    }

    /// <summary>The name of an element of a list.</summary>
    public static string Element(string above, int index) => SettingName.Join(above, index.ToString(CultureInfo.InvariantCulture));
}
