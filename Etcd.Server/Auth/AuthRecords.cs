using System.Buffers.Binary;
using System.Text;
using Etcd.Protocol.Authpb;
using Google.Protobuf;

namespace Etcd.Server.Auth;

/// <summary>
/// The state in etcd's own bytes, as its database and the store's meta records have it:
/// <code>
/// auth       authEnabled    01 or 00; absent until it was turned on once
///            authRevision   8 bytes, big-endian
/// authUsers  NAME           authpb.User
/// authRoles  NAME           authpb.Role
/// </code>
/// </summary>
public static class AuthRecords
{
    /// <summary>The bucket of the switch and the revision.</summary>
    public const string AuthBucket = "auth";

    /// <summary>The bucket of the users.</summary>
    public const string UsersBucket = "authUsers";

    /// <summary>The bucket of the roles.</summary>
    public const string RolesBucket = "authRoles";

    private const string EnabledKey = "authEnabled";
    private const string RevisionKey = "authRevision";

    /// <summary>Writes a state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="set">Takes bucket, key and value.</param>
    public static void Write(AuthSnapshot state, Action<string, byte[], byte[]> set)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(set);
        if (state.WasEnabled is { } enabled)
            set(AuthBucket, Encoding.ASCII.GetBytes(EnabledKey), [enabled ? (byte)1 : (byte)0]);

        var revision = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(revision, state.Revision);
        set(AuthBucket, Encoding.ASCII.GetBytes(RevisionKey), revision);
        foreach (AuthUser user in state.Users.Values)
            set(UsersBucket, Encoding.UTF8.GetBytes(user.Name), Message(user).ToByteArray());

        foreach (AuthRole role in state.Roles.Values)
            set(RolesBucket, Encoding.UTF8.GetBytes(role.Name), Message(role).ToByteArray());
    }

    /// <summary>A permission as a message.</summary>
    /// <param name="permission">The permission.</param>
    public static Permission Message(KeyPermission permission)
    {
        ArgumentNullException.ThrowIfNull(permission);
        return new Permission
        {
            PermType = (Permission.Types.Type)permission.Kind,
            Key = ByteString.CopyFrom(permission.Key),
            RangeEnd = ByteString.CopyFrom(permission.RangeEnd),
        };
    }

    /// <summary>A message as a permission.</summary>
    /// <param name="message">The message.</param>
    public static KeyPermission Read(Permission message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return new KeyPermission((PermissionKind)message.PermType, message.Key.ToByteArray(), message.RangeEnd.ToByteArray());
    }

    private static User Message(AuthUser user)
    {
        var message = new User { Name = ByteString.CopyFromUtf8(user.Name), Password = ByteString.CopyFrom(user.PasswordHash) };
        message.Roles.AddRange(user.Roles);
        if (user.NoPassword is { } none)
            message.Options = new UserAddOptions { NoPassword = none };

        return message;
    }

    private static Role Message(AuthRole role)
    {
        var message = new Role { Name = ByteString.CopyFromUtf8(role.Name) };
        message.KeyPermission.AddRange(role.Permissions.Select(Message));
        return message;
    }

    /// <summary>Collects records, in any order, to a state.</summary>
    public sealed class Reader
    {
        private readonly List<User> _users = [];
        private readonly List<Role> _roles = [];
        private bool? _enabled;
        private ulong _revision = 1;

        /// <summary>Takes a record of one of the three buckets.</summary>
        /// <param name="bucket">The bucket.</param>
        /// <param name="key">Its key.</param>
        /// <param name="value">Its value.</param>
        /// <returns>Whether it is one that this room knows.</returns>
        /// <exception cref="InvalidDataException">It is damaged.</exception>
        /// <exception cref="InvalidProtocolBufferException">It is damaged.</exception>
        public bool Take(string bucket, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            switch (bucket)
            {
                case UsersBucket:
                    User user = User.Parser.ParseFrom(value);
                    Check(key, user.Name);
                    _users.Add(user);
                    return true;
                case RolesBucket:
                    Role role = Role.Parser.ParseFrom(value);
                    Check(key, role.Name);
                    _roles.Add(role);
                    return true;
                case AuthBucket when key.SequenceEqual("authEnabled"u8):
                    _enabled = value is [1];
                    return true;
                case AuthBucket when key.SequenceEqual("authRevision"u8):
                    if (value.Length != sizeof(ulong))
                        throw new InvalidDataException("the auth revision has not 8 bytes");

                    // A member that finds none begins with 1.
                    _revision = Math.Max(1, BinaryPrimitives.ReadUInt64BigEndian(value));
                    return true;
                default:
                    return false;
            }
        }

        /// <summary>The state.</summary>
        public AuthSnapshot ToState()
        {
            AuthSnapshot empty = AuthSnapshot.Initial;
            var roles = empty.Roles.SetItems(_roles.Select(r => new AuthRole(r.Name.ToStringUtf8(), [.. r.KeyPermission.Select(Read)]))
                .Select(r => KeyValuePair.Create(r.Name, r)));
            var users = empty.Users.SetItems(_users
                .Select(u => new AuthUser(u.Name.ToStringUtf8(), u.Password.ToByteArray(), [.. u.Roles], u.Options?.NoPassword, roles))
                .Select(u => KeyValuePair.Create(u.Name, u)));
            return new AuthSnapshot { WasEnabled = _enabled, Revision = _revision, Roles = roles, Users = users };
        }

        private static void Check(ReadOnlySpan<byte> key, ByteString name)
        {
            if (!name.Span.SequenceEqual(key))
                throw new InvalidDataException("the record is of another name than its key");
        }
    }
}
