using Etcd.Client;

namespace Etcd.Configuration;

/// <summary>Which keys are settings, and how their values are read. Immutable.</summary>
/// <example>
/// <code>
/// source.Selections.Add(EtcdKeySelection.Prefix("config/common/"));
/// source.Selections.Add(EtcdKeySelection.Prefix("config/orders/", EtcdValueFormat.ByExtension));
/// source.Selections.Add(EtcdKeySelection.Key("config/orders.json", EtcdValueFormat.Json));
/// </code>
/// </example>
public sealed record EtcdKeySelection
{
    private EtcdKeySelection(string name, bool isSingle)
    {
        Name = name;
        IsSingle = isSingle;
    }

    /// <summary>The prefix, or the one key.</summary>
    public string Name { get; }

    /// <summary>Whether this is one key.</summary>
    public bool IsSingle { get; }

    /// <summary>What the values are. Text by default.</summary>
    public EtcdValueFormat Format { get; init; }

    /// <summary>The section that the settings are put under, such as <c>Features</c> or <c>Logging:LogLevel</c>; null for none.</summary>
    public string? Section { get; init; }

    /// <summary>
    /// Reads a value in place of <see cref="Format"/>, for formats of your own and for values that are to be decrypted. It gives settings by
    /// their names below the key's; the empty name is the key's own. What it throws counts as a value that cannot be read.
    /// </summary>
    public Func<EtcdKeyValue, IEnumerable<KeyValuePair<string, string?>>>? Parser { get; init; }

    /// <summary>All keys below a prefix. A prefix is a folder: <c>config</c> means <c>config/</c>, and never <c>configuration/x</c>.</summary>
    /// <param name="prefix">The prefix, which the settings' names do not have; empty for all keys there are.</param>
    /// <param name="format">What the values are.</param>
    /// <param name="section">The section that the settings are put under.</param>
    public static EtcdKeySelection Prefix(string prefix, EtcdValueFormat format = EtcdValueFormat.Raw, string? section = null)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        return new EtcdKeySelection(prefix, isSingle: false) { Format = format, Section = section };
    }

    /// <summary>
    /// One key. A document's settings have the names that they have in it, so that a whole appsettings.json can be one value; a text's name
    /// is the last part of the key, or the section where one is given.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="format">What the value is.</param>
    /// <param name="section">The section that the settings are put under.</param>
    public static EtcdKeySelection Key(string key, EtcdValueFormat format = EtcdValueFormat.Raw, string? section = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        return new EtcdKeySelection(key, isSingle: true) { Format = format, Section = section };
    }

    /// <summary>For people.</summary>
    public override string ToString() => $"'{Name}'";
}
