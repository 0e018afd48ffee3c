namespace Etcd.TestKit.Network;

/// <summary>Directions through a <see cref="FaultProxy"/>.</summary>
[Flags]
public enum ProxyDirection
{
    /// <summary>What the client sends.</summary>
    ToServer = 1,

    /// <summary>What the server sends.</summary>
    ToClient = 2,

    /// <summary>Both.</summary>
    Both = ToServer | ToClient,
}
