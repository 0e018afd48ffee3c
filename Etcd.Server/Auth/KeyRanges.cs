namespace Etcd.Server.Auth;

/// <summary>
/// A set of keys as ranges: sorted, and those that overlap or touch are one. So to ask is one binary search, and a question may span
/// what was granted in pieces. Immutable; any thread.
/// <example>Granted ["a","c"), ["b","f"), "x" make ["a","f"), ["x","x\0").</example>
/// </summary>
internal sealed class KeyRanges
{
    private readonly byte[][] _begins;

    // Null where the range has no end.
    private readonly byte[]?[] _ends;

    private KeyRanges(byte[][] begins, byte[]?[] ends)
    {
        _begins = begins;
        _ends = ends;
    }

    /// <summary>No key.</summary>
    public static KeyRanges None { get; } = new([], []);

    /// <summary>Whether the end of a range stands for no end, in requests and permissions alike.</summary>
    /// <param name="rangeEnd">The end.</param>
    public static bool IsOpenEnd(ReadOnlySpan<byte> rangeEnd) => rangeEnd.Length == 1 && rangeEnd[0] == 0;

    /// <summary>The keys of permissions.</summary>
    /// <param name="permissions">The permissions.</param>
    public static KeyRanges Of(IEnumerable<KeyPermission> permissions)
    {
        List<byte[]> begins = [];
        List<byte[]?> ends = [];
        foreach (KeyPermission granted in permissions.Order(Comparer<KeyPermission>.Create(static (a, b) => a.Key.AsSpan().SequenceCompareTo(b.Key))))
        {
            byte[]? end = EndOf(granted);
            if (begins.Count > 0 && Reaches(ends[^1], granted.Key))
            {
                ends[^1] = Later(ends[^1], end);
            }
            else
            {
                begins.Add(granted.Key);
                ends.Add(end);
            }
        }

        return begins.Count == 0 ? None : new KeyRanges([.. begins], [.. ends]);
    }

    /// <summary>Whether all keys that a request names are in the set.</summary>
    /// <param name="key">The key, or the first of the range.</param>
    /// <param name="rangeEnd">As in a request: empty for the one key, a zero byte for no end. One before the key names no keys, and is in the set if the key is.</param>
    public bool Contain(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        int at = LastBeginningAtOrBefore(key);
        if (at < 0)
            return false;

        if (_ends[at] is not { } end)
            return true;

        if (key.SequenceCompareTo(end) >= 0 || IsOpenEnd(rangeEnd))
            return false;

        return rangeEnd.IsEmpty || rangeEnd.SequenceCompareTo(end) <= 0;
    }

    private static byte[]? EndOf(KeyPermission granted) => granted.RangeEnd switch
    {
        [] => [.. granted.Key, 0],
        [0] => null,
        var end => end,
    };

    private static bool Reaches(byte[]? end, ReadOnlySpan<byte> begin) => end is null || end.AsSpan().SequenceCompareTo(begin) >= 0;

    private static byte[]? Later(byte[]? a, byte[]? b) => a is null || b is null ? null : a.AsSpan().SequenceCompareTo(b) >= 0 ? a : b;

    private int LastBeginningAtOrBefore(ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = _begins.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (key.SequenceCompareTo(_begins[middle]) < 0)
                high = middle - 1;
            else
                low = middle + 1;
        }

        return high;
    }
}
