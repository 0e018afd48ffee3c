namespace Etcd.Server.Auth;

/// <summary>A user, with what the roles allow worked out. Immutable.</summary>
public sealed class AuthUser
{
    private readonly KeyRanges _reads;
    private readonly KeyRanges _writes;

    /// <summary>A user.</summary>
    /// <param name="name">The name.</param>
    /// <param name="passwordHash">The password's bcrypt hash; empty if there is none.</param>
    /// <param name="roles">The names of the roles, sorted by their bytes.</param>
    /// <param name="noPassword">Whether the user has no password; null in what versions of etcd wrote that did not ask.</param>
    /// <param name="existing">The roles that exist; what is granted of others counts for nothing.</param>
    internal AuthUser(string name, byte[] passwordHash, IReadOnlyList<string> roles, bool? noPassword, IReadOnlyDictionary<string, AuthRole> existing)
    {
        Name = name;
        PasswordHash = passwordHash;
        Roles = roles;
        NoPassword = noPassword;
        IsRoot = roles.Contains(AuthRole.Root);
        KeyPermission[] granted = [.. roles.Where(existing.ContainsKey).SelectMany(r => existing[r].Permissions)];
        _reads = KeyRanges.Of(granted.Where(p => p.Allows(KeyAccess.Read)));
        _writes = KeyRanges.Of(granted.Where(p => p.Allows(KeyAccess.Write)));
    }

    /// <summary>The name of the user that must exist before authentication can be turned on.</summary>
    public const string Root = "root";

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The password's bcrypt hash; empty if there is none.</summary>
    public byte[] PasswordHash { get; }

    /// <summary>The names of the roles, sorted by their bytes.</summary>
    public IReadOnlyList<string> Roles { get; }

    /// <summary>Whether the user has no password and is known by certificate only; null if that was never said.</summary>
    public bool? NoPassword { get; }

    /// <summary>Whether the user has the role that may do everything.</summary>
    public bool IsRoot { get; }

    /// <summary>Whether the user's roles allow an access to all the keys that a request names.</summary>
    /// <param name="access">The access.</param>
    /// <param name="key">The key, or the first of the range.</param>
    /// <param name="rangeEnd">Empty for the one key, a zero byte for no end.</param>
    public bool May(KeyAccess access, ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd) =>
        IsRoot || (access == KeyAccess.Read ? _reads : _writes).Contain(key, rangeEnd);

    internal AuthUser WithRoles(IReadOnlyList<string> roles, IReadOnlyDictionary<string, AuthRole> existing) =>
        new(Name, PasswordHash, roles, NoPassword, existing);

    internal AuthUser WithPassword(byte[] passwordHash, IReadOnlyDictionary<string, AuthRole> existing) =>
        new(Name, passwordHash, Roles, NoPassword, existing);
}
