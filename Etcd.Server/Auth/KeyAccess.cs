namespace Etcd.Server.Auth;

/// <summary>What is done with keys.</summary>
public enum KeyAccess
{
    /// <summary>They are read.</summary>
    Read,

    /// <summary>They are put or deleted.</summary>
    Write,
}
