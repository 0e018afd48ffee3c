namespace Etcd.Configuration.Mapping;

/// <summary>Names of settings: parts with ':' between them.</summary>
internal static class SettingName
{
    /// <summary>One name below another; either may be empty.</summary>
    public static string Join(string above, string below) =>
        above.Length == 0 ? below : below.Length == 0 ? above : string.Concat(above, ":", below);
}
