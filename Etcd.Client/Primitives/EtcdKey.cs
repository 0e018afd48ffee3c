using System.Text;
using Google.Protobuf;

namespace Etcd.Client;

/// <summary>
/// A key: bytes, which etcd orders as unsigned numbers. Text becomes UTF-8. A key made of memory does not copy it: the memory
/// must stay as it is until the calls that were given the key have ended.
/// </summary>
/// <example>
/// <code>
/// EtcdKey fromText = "config/color";
/// EtcdKey fromBytes = new byte[] { 1, 2, 3 };
/// </code>
/// </example>
public readonly struct EtcdKey : IEquatable<EtcdKey>, IComparable<EtcdKey>
{
    /// <summary>Wraps bytes without copying them.</summary>
    public EtcdKey(ReadOnlyMemory<byte> bytes) => Memory = bytes;

    /// <summary>Takes the UTF-8 of a text.</summary>
    /// <exception cref="EncoderFallbackException">The text is not valid UTF-16.</exception>
    public EtcdKey(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Memory = Utf8.Encode(text);
    }

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Memory { get; }

    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> Span => Memory.Span;

    /// <summary>How many bytes.</summary>
    public int Length => Memory.Length;

    /// <summary>Whether there are no bytes, which no stored key has.</summary>
    public bool IsEmpty => Memory.IsEmpty;

    /// <summary>Takes the UTF-8 of a text.</summary>
    public static implicit operator EtcdKey(string text) => new(text);

    /// <summary>Wraps bytes without copying them.</summary>
    public static implicit operator EtcdKey(byte[] bytes) => new(new ReadOnlyMemory<byte>(bytes));

    /// <summary>Wraps bytes without copying them.</summary>
    public static implicit operator EtcdKey(ReadOnlyMemory<byte> bytes) => new(bytes);

    /// <summary>Whether the bytes are the same.</summary>
    public static bool operator ==(EtcdKey left, EtcdKey right) => left.Equals(right);

    /// <summary>Whether the bytes differ.</summary>
    public static bool operator !=(EtcdKey left, EtcdKey right) => !left.Equals(right);

    /// <summary>Whether the left key comes first.</summary>
    public static bool operator <(EtcdKey left, EtcdKey right) => left.CompareTo(right) < 0;

    /// <summary>Whether the right key comes first.</summary>
    public static bool operator >(EtcdKey left, EtcdKey right) => left.CompareTo(right) > 0;

    /// <summary>Whether the right key does not come first.</summary>
    public static bool operator <=(EtcdKey left, EtcdKey right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the left key does not come first.</summary>
    public static bool operator >=(EtcdKey left, EtcdKey right) => left.CompareTo(right) >= 0;

    /// <summary>This key with bytes behind it.</summary>
    public EtcdKey Append(EtcdKey suffix)
    {
        if (suffix.IsEmpty)
            return this;
        if (IsEmpty)
            return suffix;
        byte[] joined = new byte[Length + suffix.Length];
        Span.CopyTo(joined);
        suffix.Span.CopyTo(joined.AsSpan(Length));
        return joined;
    }

    /// <summary>Whether the key begins with these bytes.</summary>
    public bool StartsWith(EtcdKey prefix) => Span.StartsWith(prefix.Span);

    /// <inheritdoc/>
    public bool Equals(EtcdKey other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EtcdKey other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public int CompareTo(EtcdKey other) => Span.SequenceCompareTo(other.Span);

    /// <summary>The bytes as UTF-8; what is not UTF-8 shows as U+FFFD.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Span);

    internal ByteString ToByteString() => UnsafeByteOperations.UnsafeWrap(Memory);

    /// <summary>The smallest key that comes behind this one.</summary>
    internal EtcdKey Successor()
    {
        byte[] next = new byte[Length + 1];
        Span.CopyTo(next);
        return next;
    }
}
