namespace Etcd.Configuration;

/// <summary>What the values of keys are.</summary>
public enum EtcdValueFormat
{
    /// <summary>UTF-8 text: one key is one setting.</summary>
    Raw,

    /// <summary>A JSON document: its properties are settings below the key, as those of appsettings.json are.</summary>
    Json,

    /// <summary>A YAML document: its entries are settings below the key.</summary>
    Yaml,

    /// <summary>
    /// By the end of the key: .json is JSON, .yaml and .yml are YAML, both without that end in the setting's name; others are text.
    /// </summary>
    ByExtension,
}
