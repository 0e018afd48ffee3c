namespace Etcd.Client;

/// <summary>How authentication stands.</summary>
/// <param name="IsEnabled">Whether it is on.</param>
/// <param name="Revision">A number that each change of users, roles and permissions raises.</param>
public readonly record struct EtcdAuthStatus(bool IsEnabled, ulong Revision);

/// <summary>What may be done with keys.</summary>
public enum EtcdPermissionType
{
    /// <summary>They may be read and watched.</summary>
    Read,

    /// <summary>They may be written and deleted.</summary>
    Write,

    /// <summary>Both.</summary>
    ReadWrite,
}

/// <summary>A permission of a role.</summary>
/// <param name="Type">What may be done.</param>
/// <param name="Range">With which keys.</param>
public readonly record struct EtcdPermission(EtcdPermissionType Type, EtcdRange Range);
