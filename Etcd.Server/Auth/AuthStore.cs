using System.Collections.Immutable;
using Etcd.Protocol.Errors;
using Etcd.Server.Auth.Tokens;

namespace Etcd.Server.Auth;

/// <summary>
/// Users, roles, permissions and the switch, with etcd's order of checks and its revision: replicated state, changed by the apply thread
/// only, the same on all members at the same index. What is refused changes nothing. Any thread may take <see cref="Current"/>.
/// <para>A change can be seen before what is written behind it can be: so a reader that finds the state unchanged after its read has
/// read nothing that was written after rights were taken away. Tokens end before the change that ends them can be seen: who takes the
/// revision first and then looks for a token never has an old token with a new revision.</para>
/// </summary>
/// <param name="tokens">This member's tokens, which end with what they stand for.</param>
public sealed class AuthStore(ITokens tokens)
{
    private AuthSnapshot _current = AuthSnapshot.Initial;

    /// <summary>A store for members that give no tokens.</summary>
    public AuthStore()
        : this(NoTokens.Instance)
    {
    }

    /// <summary>The state as of the last applied change.</summary>
    public AuthSnapshot Current => Volatile.Read(ref _current);

    /// <summary>This member's tokens.</summary>
    public ITokens Tokens { get; } = tokens;

    /// <summary>Replaces everything: a snapshot was installed or a checkpoint loaded.</summary>
    /// <param name="state">The state.</param>
    public void Replace(AuthSnapshot state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Revision != _current.Revision || !state.IsEnabled)
        {
            // Whose token it was may have lost the password since, and nobody saw it here.
            Tokens.Clear();
        }

        Publish(state);
    }

    /// <summary>Turns authentication on; of no effect if it is on.</summary>
    public EtcdError? Enable()
    {
        if (_current.IsEnabled)
            return null;

        if (!_current.Users.TryGetValue(AuthUser.Root, out AuthUser? root))
            return EtcdErrors.RootUserNotExist;

        if (!root.IsRoot)
            return EtcdErrors.RootRoleNotExist;

        // The one change that etcd does not count.
        Publish(new AuthSnapshot { WasEnabled = true, Revision = _current.Revision, Users = _current.Users, Roles = _current.Roles });
        return null;
    }

    /// <summary>Turns authentication off; of no effect if it is off. All tokens end.</summary>
    public void Disable()
    {
        if (!_current.IsEnabled)
            return;

        Tokens.Clear();
        Publish(_current.With(enabled: false));
    }

    /// <summary>Adds a user.</summary>
    /// <param name="name">The name.</param>
    /// <param name="passwordHash">The password's hash; null if what was to be it is none.</param>
    /// <param name="noPassword">Whether the user has no password.</param>
    public EtcdError? AddUser(string name, byte[]? passwordHash, bool noPassword)
    {
        if (string.IsNullOrEmpty(name))
            return EtcdErrors.UserEmpty;

        if (_current.Users.ContainsKey(name))
            return EtcdErrors.UserAlreadyExists;

        if (!noPassword && passwordHash is null)
            return EtcdErrors.NoPasswordUser;

        PutUser(new AuthUser(name, noPassword ? [] : passwordHash!, [], noPassword, _current.Roles));
        return null;
    }

    /// <summary>Deletes a user, and ends the user's tokens.</summary>
    /// <param name="name">The name.</param>
    public EtcdError? DeleteUser(string name)
    {
        if (_current.IsEnabled && name == AuthUser.Root)
            return EtcdErrors.InvalidAuthManagement;

        if (!_current.Users.ContainsKey(name))
            return EtcdErrors.UserNotFound;

        Tokens.InvalidateUser(name);
        Publish(_current.With(users: _current.Users.Remove(name)));
        return null;
    }

    /// <summary>Changes a user's password, and ends the user's tokens. A user without one keeps none.</summary>
    /// <param name="name">The name.</param>
    /// <param name="passwordHash">The new password's hash; null if what was to be it is none.</param>
    public EtcdError? ChangePassword(string name, byte[]? passwordHash)
    {
        if (!_current.Users.TryGetValue(name, out AuthUser? user))
            return EtcdErrors.UserNotFound;

        bool none = user.NoPassword == true;
        if (!none && passwordHash is null)
            return EtcdErrors.NoPasswordUser;

        Tokens.InvalidateUser(name);
        PutUser(user.WithPassword(none ? [] : passwordHash!, _current.Roles));
        return null;
    }

    /// <summary>Grants a role to a user; of no effect if the user has it.</summary>
    /// <param name="name">The user.</param>
    /// <param name="role">The role, which must exist unless it is root's.</param>
    public EtcdError? GrantRole(string name, string role)
    {
        if (!_current.Users.TryGetValue(name, out AuthUser? user))
            return EtcdErrors.UserNotFound;

        if (role != AuthRole.Root && !_current.Roles.ContainsKey(role))
            return EtcdErrors.RoleNotFound;

        if (user.Roles.Contains(role))
            return null;

        PutUser(user.WithRoles([.. user.Roles.Append(role).Order(Utf8Order.Instance)], _current.Roles));
        return null;
    }

    /// <summary>Takes a role from a user.</summary>
    /// <param name="name">The user.</param>
    /// <param name="role">The role.</param>
    public EtcdError? RevokeRole(string name, string role)
    {
        if (_current.IsEnabled && name == AuthUser.Root && role == AuthRole.Root)
            return EtcdErrors.InvalidAuthManagement;

        if (!_current.Users.TryGetValue(name, out AuthUser? user))
            return EtcdErrors.UserNotFound;

        if (!user.Roles.Contains(role))
            return EtcdErrors.RoleNotGranted;

        PutUser(user.WithRoles([.. user.Roles.Where(r => r != role)], _current.Roles));
        return null;
    }

    /// <summary>Adds a role.</summary>
    /// <param name="name">Its name.</param>
    public EtcdError? AddRole(string name)
    {
        if (string.IsNullOrEmpty(name))
            return EtcdErrors.RoleEmpty;

        if (_current.Roles.ContainsKey(name))
            return EtcdErrors.RoleAlreadyExists;

        PutRole(new AuthRole(name, []));
        return null;
    }

    /// <summary>Deletes a role, and takes it from all users.</summary>
    /// <param name="name">Its name.</param>
    public EtcdError? DeleteRole(string name)
    {
        if (_current.IsEnabled && name == AuthRole.Root)
            return EtcdErrors.InvalidAuthManagement;

        if (!_current.Roles.ContainsKey(name))
            return EtcdErrors.RoleNotFound;

        ImmutableSortedDictionary<string, AuthRole> roles = _current.Roles.Remove(name);
        ImmutableSortedDictionary<string, AuthUser> users = _current.Users.SetItems(_current.Users.Values
            .Where(u => u.Roles.Contains(name))
            .Select(u => KeyValuePair.Create(u.Name, u.WithRoles([.. u.Roles.Where(r => r != name)], roles))));
        Publish(_current.With(users, roles));
        return null;
    }

    /// <summary>Grants a permission to a role, or changes what the role may do with the same keys.</summary>
    /// <param name="name">The role.</param>
    /// <param name="permission">The permission; null if none was given.</param>
    public EtcdError? GrantPermission(string name, KeyPermission? permission)
    {
        if (permission is null)
            return EtcdErrors.PermissionNotGiven;

        if (!KeyPermission.IsValidRange(permission.Key, permission.RangeEnd))
            return EtcdErrors.InvalidAuthManagement;

        if (!_current.Roles.TryGetValue(name, out AuthRole? role))
            return EtcdErrors.RoleNotFound;

        PutRole(role.With(permission));
        return null;
    }

    /// <summary>Takes a permission from a role.</summary>
    /// <param name="name">The role.</param>
    /// <param name="key">The first key, exactly as granted.</param>
    /// <param name="rangeEnd">The end, exactly as granted.</param>
    public EtcdError? RevokePermission(string name, byte[] key, byte[] rangeEnd)
    {
        if (!_current.Roles.TryGetValue(name, out AuthRole? role))
            return EtcdErrors.RoleNotFound;

        AuthRole left = role.Without(key, rangeEnd);
        if (ReferenceEquals(left, role))
            return EtcdErrors.PermissionNotGranted;

        PutRole(left);
        return null;
    }

    private void PutUser(AuthUser user) => Publish(_current.With(users: _current.Users.SetItem(user.Name, user)));

    private void PutRole(AuthRole role)
    {
        ImmutableSortedDictionary<string, AuthRole> roles = _current.Roles.SetItem(role.Name, role);
        ImmutableSortedDictionary<string, AuthUser> users = _current.Users.SetItems(_current.Users.Values
            .Where(u => u.Roles.Contains(role.Name))
            .Select(u => KeyValuePair.Create(u.Name, u.WithRoles(u.Roles, roles))));
        Publish(_current.With(users, roles));
    }

    private void Publish(AuthSnapshot state) => Volatile.Write(ref _current, state);
}
