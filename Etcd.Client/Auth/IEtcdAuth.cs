namespace Etcd.Client;

/// <summary>
/// Users, roles and their permissions. They know no namespaces: ranges are those of the whole store. Safe for concurrent use.
/// </summary>
/// <example>
/// <code>
/// await client.Auth.AddUserAsync("root", "secret");
/// await client.Auth.GrantRoleAsync("root", "root");
/// await client.Auth.AddRoleAsync("app");
/// await client.Auth.GrantPermissionAsync("app", EtcdPermissionType.ReadWrite, EtcdRange.Prefix("app/"));
/// await client.Auth.AddUserAsync("app", "secret too");
/// await client.Auth.GrantRoleAsync("app", "app");
/// await client.Auth.EnableAsync();
/// </code>
/// </example>
public interface IEtcdAuth
{
    /// <summary>Turns authentication on. The user and role "root" must be there.</summary>
    ValueTask EnableAsync(EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Turns authentication off.</summary>
    ValueTask DisableAsync(EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Whether authentication is on.</summary>
    ValueTask<EtcdAuthStatus> GetStatusAsync(EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Gets a token for a user. The client does that by itself for the user of its options.</summary>
    ValueTask<string> AuthenticateAsync(string user, string password, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Adds a user.</summary>
    /// <param name="user">The name.</param>
    /// <param name="password">The password; null for a user who proves who he is by a certificate only.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    ValueTask AddUserAsync(string user, string? password, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>The roles of a user.</summary>
    ValueTask<IReadOnlyList<string>> GetUserRolesAsync(string user, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>All users.</summary>
    ValueTask<IReadOnlyList<string>> ListUsersAsync(EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes a user.</summary>
    ValueTask DeleteUserAsync(string user, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Changes a user's password.</summary>
    ValueTask ChangePasswordAsync(string user, string password, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Gives a user a role.</summary>
    ValueTask GrantRoleAsync(string user, string role, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Takes a role from a user.</summary>
    ValueTask RevokeRoleAsync(string user, string role, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Adds a role.</summary>
    ValueTask AddRoleAsync(string role, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>The permissions of a role.</summary>
    ValueTask<IReadOnlyList<EtcdPermission>> GetPermissionsAsync(string role, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>All roles.</summary>
    ValueTask<IReadOnlyList<string>> ListRolesAsync(EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes a role.</summary>
    ValueTask DeleteRoleAsync(string role, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Gives a role a permission on a range; on the same range it takes the place of the one before.</summary>
    ValueTask GrantPermissionAsync(string role, EtcdPermissionType type, EtcdRange range, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Takes the permission on a range from a role.</summary>
    ValueTask RevokePermissionAsync(string role, EtcdRange range, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);
}
