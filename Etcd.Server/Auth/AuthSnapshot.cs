using System.Collections.Immutable;
using Etcd.Protocol.Errors;

namespace Etcd.Server.Auth;

/// <summary>
/// Users, roles and whether they count, as of one applied entry, and what follows from them for a request. Immutable: who has one can
/// check a request as often as it likes, and sees by the reference whether anything has changed since. Any thread.
/// </summary>
public sealed class AuthSnapshot
{
    /// <summary>The state of a new cluster. etcd counts revisions from 1 on.</summary>
    public static AuthSnapshot Initial { get; } = new();

    /// <summary>Whether requests are checked at all.</summary>
    public bool IsEnabled => WasEnabled ?? false;

    /// <summary>As <see cref="IsEnabled"/>; null if it was never turned on, which the database says by not saying anything.</summary>
    public bool? WasEnabled { get; init; }

    /// <summary>Counts the changes of users and roles.</summary>
    public ulong Revision { get; init; } = 1;

    /// <summary>The users, in the order of their names' bytes.</summary>
    public ImmutableSortedDictionary<string, AuthUser> Users { get; init; } = ImmutableSortedDictionary.Create<string, AuthUser>(Utf8Order.Instance);

    /// <summary>The roles, in the order of their names' bytes.</summary>
    public ImmutableSortedDictionary<string, AuthRole> Roles { get; init; } = ImmutableSortedDictionary.Create<string, AuthRole>(Utf8Order.Instance);

    /// <summary>Whether a user may read or write keys.</summary>
    /// <param name="who">Who asks.</param>
    /// <param name="access">What for.</param>
    /// <param name="key">The key, or the first of the range.</param>
    /// <param name="rangeEnd">Empty for the one key, a zero byte for no end.</param>
    /// <returns>Why not; null if so.</returns>
    public EtcdError? CheckKeys(AuthInfo who, KeyAccess access, ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        if (!IsEnabled)
            return null;

        if (who.Revision == 0)
            return EtcdErrors.UserEmpty;

        if (who.Revision < Revision)
            return EtcdErrors.AuthOldRevision;

        return Users.TryGetValue(who.Username, out AuthUser? user) && user.May(access, key, rangeEnd) ? null : EtcdErrors.PermissionDenied;
    }

    /// <summary>Whether a user may read or write each of some keys.</summary>
    /// <param name="who">Who asks.</param>
    /// <param name="access">What for.</param>
    /// <param name="keys">The keys.</param>
    /// <returns>Why not; null if so, and if there are no keys.</returns>
    public EtcdError? CheckEach(AuthInfo who, KeyAccess access, IReadOnlyList<ReadOnlyMemory<byte>> keys)
    {
        // Root may do that with an old revision, too, as in etcd.
        if (CheckAdmin(who) is null)
            return null;

        foreach (ReadOnlyMemory<byte> key in keys)
        {
            if (CheckKeys(who, access, key.Span, default) is { } refusal)
                return refusal;
        }

        return null;
    }

    /// <summary>Whether a user may administer.</summary>
    /// <param name="who">Who asks.</param>
    /// <returns>Why not; null if so.</returns>
    public EtcdError? CheckAdmin(AuthInfo who)
    {
        if (!IsEnabled)
            return null;

        if (string.IsNullOrEmpty(who.Username))
            return EtcdErrors.UserEmpty;

        if (!Users.TryGetValue(who.Username, out AuthUser? user))
            return EtcdErrors.UserNotFound;

        return user.IsRoot ? null : EtcdErrors.PermissionDenied;
    }

    /// <summary>Whether a user has a role.</summary>
    /// <param name="username">The user.</param>
    /// <param name="role">The role.</param>
    public bool HasRole(string username, string role) => Users.TryGetValue(username, out AuthUser? user) && user.Roles.Contains(role);

    internal AuthSnapshot With(
        ImmutableSortedDictionary<string, AuthUser>? users = null, ImmutableSortedDictionary<string, AuthRole>? roles = null, bool? enabled = null) => new()
        {
            WasEnabled = enabled ?? WasEnabled,
            Revision = Revision + 1,
            Users = users ?? Users,
            Roles = roles ?? Roles,
        };
}
