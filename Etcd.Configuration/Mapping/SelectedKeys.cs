using Etcd.Client;

namespace Etcd.Configuration.Mapping;

/// <summary>A selection as the provider works with it: its range, and the names of the settings in it. Immutable.</summary>
internal sealed class SelectedKeys
{
    private readonly EtcdKeySelection _selection;
    private readonly string _delimiter;
    private readonly string _prefix;

    public SelectedKeys(EtcdKeySelection selection, string delimiter)
    {
        _selection = selection;
        _delimiter = delimiter;
        _prefix = Folder(selection, delimiter);
        Range = selection.IsSingle ? EtcdRange.Single(_prefix) : EtcdRange.Prefix(_prefix);
    }

    /// <summary>Which keys.</summary>
    public EtcdRange Range { get; }

    /// <summary>A custom parser, or null.</summary>
    public Func<EtcdKeyValue, IEnumerable<KeyValuePair<string, string?>>>? Parser => _selection.Parser;

    /// <summary>What the value of a key is.</summary>
    public EtcdValueFormat FormatOf(string key) => _selection.Format == EtcdValueFormat.ByExtension
        ? KeyExtension.FormatOf(key)
        : _selection.Format;

    /// <summary>The name that the value of a key has in the configuration, or that the settings in it are below.</summary>
    public string NameOf(string key)
    {
        string relative = _selection.IsSingle ? NameOfSingle(key) : key[_prefix.Length..];
        if (_selection.Format == EtcdValueFormat.ByExtension)
            relative = KeyExtension.Remove(relative);
        return SettingName.Join(_selection.Section ?? "", relative.Replace(_delimiter, ":", StringComparison.Ordinal));
    }

    /// <summary>Whether this range has all of the other's keys.</summary>
    public bool Covers(SelectedKeys other) =>
        Range == other.Range || (!_selection.IsSingle && other._prefix.StartsWith(_prefix, StringComparison.Ordinal));

    private static string Folder(EtcdKeySelection selection, string delimiter)
    {
        string name = selection.Name;
        bool isComplete = selection.IsSingle || name.Length == 0 || name.EndsWith(delimiter, StringComparison.Ordinal);
        return isComplete ? name : name + delimiter;
    }

    // A document brings its names along, and a section is a name already.
    private string NameOfSingle(string key)
    {
        bool isNamed = _selection.Section is not null || Parser is not null || FormatOf(key) != EtcdValueFormat.Raw;
        return isNamed ? "" : key.Split(_delimiter)[^1];
    }
}
