namespace Etcd.Server.Auth;

/// <summary>A role. Immutable.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Permissions">Its permissions in the order in which they are kept: by key, as etcd sorts them.</param>
public sealed record AuthRole(string Name, IReadOnlyList<KeyPermission> Permissions)
{
    /// <summary>The name of the role that may do everything; it need not exist to be granted.</summary>
    public const string Root = "root";

    /// <summary>The role with a permission more, or another kind of one that it has.</summary>
    /// <param name="granted">The permission.</param>
    public AuthRole With(KeyPermission granted)
    {
        // etcd looks at the first permission for this key only: a second range from the same key may be in the list twice.
        int at = 0;
        while (at < Permissions.Count && Permissions[at].Key.AsSpan().SequenceCompareTo(granted.Key) < 0)
            at++;

        if (at < Permissions.Count && Permissions[at].IsAbout(granted.Key, granted.RangeEnd))
            return this with { Permissions = [.. Permissions.Take(at), granted, .. Permissions.Skip(at + 1)] };

        while (at < Permissions.Count && Permissions[at].Key.AsSpan().SequenceEqual(granted.Key))
            at++;

        return this with { Permissions = [.. Permissions.Take(at), granted, .. Permissions.Skip(at)] };
    }

    /// <summary>The role without its permissions for exactly these keys; itself if it has none.</summary>
    /// <param name="key">The first key.</param>
    /// <param name="rangeEnd">The end.</param>
    public AuthRole Without(byte[] key, byte[] rangeEnd)
    {
        KeyPermission[] left = [.. Permissions.Where(p => !p.IsAbout(key, rangeEnd))];
        return left.Length == Permissions.Count ? this : this with { Permissions = left };
    }
}
