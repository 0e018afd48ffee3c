namespace Etcd.Server.Storage.Index;

/// <summary>A half-open range of more than one key; etcd's two special ends are resolved.</summary>
internal readonly ref struct KeyRange
{
    /// <summary>The range that a request's range_end means: a single zero byte stands for no end.</summary>
    /// <param name="start">The first key.</param>
    /// <param name="rangeEnd">The request's range_end; not empty, which would mean a single key.</param>
    public KeyRange(ReadOnlySpan<byte> start, ReadOnlySpan<byte> rangeEnd)
    {
        Start = start;
        HasEnd = !(rangeEnd.Length == 1 && rangeEnd[0] == 0);
        End = HasEnd ? rangeEnd : default;
    }

    /// <summary>The first key that may belong to it.</summary>
    public ReadOnlySpan<byte> Start { get; }

    /// <summary>The first key beyond it.</summary>
    public ReadOnlySpan<byte> End { get; }

    /// <summary>Whether it ends before the last key.</summary>
    public bool HasEnd { get; }

    /// <summary>Whether a key that is not below <see cref="Start"/> is still inside.</summary>
    public bool EndsAfter(ReadOnlySpan<byte> key) => !HasEnd || key.SequenceCompareTo(End) < 0;
}
