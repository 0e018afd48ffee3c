namespace Etcd.Server.Watch;

/// <summary>How far a watch reaches from its key on: that key only, up to a bound (exclusive), or all the way.</summary>
internal readonly struct KeyRangeEnd : IComparable<KeyRangeEnd>
{
    private readonly byte[]? _bound;
    private readonly bool _isUnbounded;

    private KeyRangeEnd(byte[]? bound, bool isUnbounded)
    {
        _bound = bound;
        _isUnbounded = isUnbounded;
    }

    public static KeyRangeEnd SingleKey => default;

    public static KeyRangeEnd Unbounded => new(null, true);

    public bool IsSingleKey => _bound is null && !_isUnbounded;

    /// <summary>From a request: empty means a single key, one zero byte means all keys from the first on.</summary>
    public static KeyRangeEnd FromRequest(ReadOnlySpan<byte> rangeEnd) => rangeEnd switch
    {
        [] => SingleKey,
        [0] => Unbounded,
        _ => new KeyRangeEnd(rangeEnd.ToArray(), false),
    };

    /// <summary>Whether a range that begins at <paramref name="key"/> and ends here holds no key.</summary>
    public bool IsEmptyFrom(ReadOnlySpan<byte> key) => _bound is not null && key.SequenceCompareTo(_bound) >= 0;

    /// <summary>Whether <paramref name="key"/> lies before the end of a range.</summary>
    public bool IsAfter(ReadOnlySpan<byte> key) => _isUnbounded || key.SequenceCompareTo(_bound) < 0;

    /// <summary>Orders the ends of ranges; the unbounded one is last.</summary>
    public int CompareTo(KeyRangeEnd other) => (_isUnbounded, other._isUnbounded) switch
    {
        (true, true) => 0,
        (true, false) => 1,
        (false, true) => -1,
        _ => _bound.AsSpan().SequenceCompareTo(other._bound),
    };
}
