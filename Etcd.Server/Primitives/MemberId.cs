using System.Globalization;

namespace Etcd.Server.Primitives;

/// <summary>The id of a cluster member (raft calls it a node id). Zero means nobody.</summary>
/// <param name="Value">The bare number. Text shows it as 16 hexadecimal digits or fewer, as etcd's tools do.</param>
public readonly record struct MemberId(ulong Value)
{
    /// <summary>No member: no leader is known, no vote was given.</summary>
    public static MemberId None => default;

    /// <summary>Whether this names nobody.</summary>
    public bool IsNone => Value == 0;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x", CultureInfo.InvariantCulture);
}
