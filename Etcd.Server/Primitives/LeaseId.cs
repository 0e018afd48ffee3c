using System.Globalization;

namespace Etcd.Server.Primitives;

/// <summary>The id of a lease. Zero means no lease; clients may choose any other.</summary>
/// <param name="Value">The bare number. Text shows it as 16 hexadecimal digits, as etcd's tools do.</param>
public readonly record struct LeaseId(long Value)
{
    /// <summary>No lease: a key without one never expires.</summary>
    public static LeaseId None => default;

    /// <summary>Whether this names no lease.</summary>
    public bool IsNone => Value == 0;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
