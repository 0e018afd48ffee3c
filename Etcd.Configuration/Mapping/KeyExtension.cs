namespace Etcd.Configuration.Mapping;

/// <summary>What the end of a key says about its value.</summary>
internal static class KeyExtension
{
    private static readonly (string End, EtcdValueFormat Format)[] Known =
        [(".json", EtcdValueFormat.Json), (".yaml", EtcdValueFormat.Yaml), (".yml", EtcdValueFormat.Yaml)];

    public static EtcdValueFormat FormatOf(string key)
    {
        foreach ((string end, EtcdValueFormat format) in Known)
            if (key.EndsWith(end, StringComparison.OrdinalIgnoreCase))
                return format;
        return EtcdValueFormat.Raw;
    }

    public static string Remove(string key)
    {
        foreach ((string end, _) in Known)
            if (key.EndsWith(end, StringComparison.OrdinalIgnoreCase))
                return key[..^end.Length];
        return key;
    }
}
