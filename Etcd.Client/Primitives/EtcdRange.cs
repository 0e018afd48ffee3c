namespace Etcd.Client;

/// <summary>
/// One key, or all keys from <see cref="Start"/> up to but not including <see cref="End"/>. The default value is one key
/// without a name, which no call accepts.
/// </summary>
/// <example>
/// <code>
/// EtcdRange one = EtcdRange.Single("config/color");
/// EtcdRange folder = EtcdRange.Prefix("config/");
/// EtcdRange all = EtcdRange.All;
/// </code>
/// </example>
public readonly struct EtcdRange : IEquatable<EtcdRange>
{
    private static readonly EtcdKey Zero = new byte[1];

    private EtcdRange(EtcdKey start, EtcdKey end)
    {
        Start = start;
        End = end;
    }

    /// <summary>Every key.</summary>
    public static EtcdRange All => new(Zero, Zero);

    /// <summary>The first key.</summary>
    public EtcdKey Start { get; }

    /// <summary>Where the range ends, as etcd encodes it: empty for the one key, one zero byte for no end.</summary>
    public EtcdKey End { get; }

    /// <summary>Whether this is one key.</summary>
    public bool IsSingle => End.IsEmpty;

    /// <summary>Whether the range has no end.</summary>
    public bool IsOpen => End == Zero;

    /// <summary>One key.</summary>
    public static EtcdRange Single(EtcdKey key) => new(key, default);

    /// <summary>All keys that begin with these bytes; all keys there are where the prefix is empty.</summary>
    public static EtcdRange Prefix(EtcdKey prefix) => prefix.IsEmpty ? All : new(prefix, PrefixEnd(prefix));

    /// <summary>The keys from the first up to but not including the second.</summary>
    /// <exception cref="ArgumentException">The second is empty.</exception>
    public static EtcdRange Between(EtcdKey start, EtcdKey end) => end.IsEmpty
        ? throw new ArgumentException("The end of a range must not be empty; From has none.", nameof(end))
        : new(start.IsEmpty ? Zero : start, end);

    /// <summary>The key and all that come behind it.</summary>
    public static EtcdRange From(EtcdKey start) => new(start.IsEmpty ? Zero : start, Zero);

    /// <summary>Whether both are the same range.</summary>
    public static bool operator ==(EtcdRange left, EtcdRange right) => left.Equals(right);

    /// <summary>Whether they are different ranges.</summary>
    public static bool operator !=(EtcdRange left, EtcdRange right) => !left.Equals(right);

    /// <summary>Whether the range has this key.</summary>
    public bool Contains(EtcdKey key)
    {
        if (IsSingle)
            return key == Start;
        return key >= Start && (IsOpen || key < End);
    }

    /// <inheritdoc/>
    public bool Equals(EtcdRange other) => Start == other.Start && End == other.End;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EtcdRange other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Start, End);

    /// <summary>For people: the key, or the half-open interval.</summary>
    public override string ToString() => IsSingle ? Start.ToString() : IsOpen ? $"[{Start}, ∞)" : $"[{Start}, {End})";

    /// <summary>A range as messages have it.</summary>
    internal static EtcdRange FromWire(EtcdKey start, EtcdKey end) => new(start, end);

    /// <summary>The same range below a prefix; see etcd's namespaces.</summary>
    internal EtcdRange Below(EtcdKey prefix)
    {
        if (prefix.IsEmpty)
            return this;
        EtcdKey end = IsSingle ? default : IsOpen ? PrefixEnd(prefix) : prefix.Append(End);
        return new EtcdRange(prefix.Append(Start), end);
    }

    /// <summary>What of the range comes behind the key.</summary>
    internal EtcdRange After(EtcdKey key) => new(key.Successor(), End);

    // The prefix with its last byte that is not 0xff raised by one; there is nothing above a prefix of 0xff only.
    private static EtcdKey PrefixEnd(EtcdKey prefix)
    {
        int last = prefix.Span.LastIndexOfAnyExcept((byte)0xff);
        if (last < 0)
            return Zero;
        byte[] end = prefix.Span[..(last + 1)].ToArray();
        end[last]++;
        return end;
    }
}
