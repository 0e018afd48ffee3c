namespace Etcd.Server.Primitives;

/// <summary>The position of an entry in the replicated log; the first entry has 1.</summary>
/// <param name="Value">The bare number, as it stands on the wire and on disk.</param>
public readonly record struct LogIndex(ulong Value) : IComparable<LogIndex>
{
    /// <summary>Before the first one; no entry, message or vote carries it.</summary>
    public static LogIndex Zero => default;

    /// <inheritdoc/>
    public int CompareTo(LogIndex other) => Value.CompareTo(other.Value);

    /// <summary>The one that is <paramref name="count"/> further on.</summary>
    public static LogIndex operator +(LogIndex from, ulong count) => new(from.Value + count);

    /// <summary>The next one.</summary>
    public LogIndex Next => new(Value + 1);

    /// <summary>Whether <paramref name="left"/> is smaller.</summary>
    public static bool operator <(LogIndex left, LogIndex right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> is larger.</summary>
    public static bool operator >(LogIndex left, LogIndex right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> is smaller or equal.</summary>
    public static bool operator <=(LogIndex left, LogIndex right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> is larger or equal.</summary>
    public static bool operator >=(LogIndex left, LogIndex right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
