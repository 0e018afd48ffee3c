namespace Etcd.Server.Primitives;

/// <summary>A raft term: the number of an election. At most one leader exists in each (raft thesis 3.4).</summary>
/// <param name="Value">The bare number, as it stands on the wire and on disk.</param>
public readonly record struct Term(ulong Value) : IComparable<Term>
{
    /// <summary>Before the first one; no entry, message or vote carries it.</summary>
    public static Term Zero => default;

    /// <inheritdoc/>
    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    /// <summary>The one that is <paramref name="count"/> further on.</summary>
    public static Term operator +(Term from, ulong count) => new(from.Value + count);

    /// <summary>The next one.</summary>
    public Term Next => new(Value + 1);

    /// <summary>Whether <paramref name="left"/> is smaller.</summary>
    public static bool operator <(Term left, Term right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> is larger.</summary>
    public static bool operator >(Term left, Term right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> is smaller or equal.</summary>
    public static bool operator <=(Term left, Term right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> is larger or equal.</summary>
    public static bool operator >=(Term left, Term right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
