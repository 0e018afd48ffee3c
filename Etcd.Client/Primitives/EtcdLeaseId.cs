using System.Globalization;

namespace Etcd.Client;

/// <summary>Names a lease. Zero names none.</summary>
/// <param name="Value">The number on the wire.</param>
public readonly record struct EtcdLeaseId(long Value)
{
    /// <summary>No lease.</summary>
    public static EtcdLeaseId None => default;

    /// <summary>Whether this names no lease.</summary>
    public bool IsNone => Value == 0;

    /// <summary>In hexadecimal, as etcdctl shows it.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
