using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Google.Protobuf;

namespace Etcd.Client;

/// <summary>
/// A value: bytes. Text becomes UTF-8. A value made of memory does not copy it: the memory must stay as it is until the calls
/// that were given the value have ended.
/// </summary>
public readonly struct EtcdValue : IEquatable<EtcdValue>
{
    /// <summary>Wraps bytes without copying them.</summary>
    public EtcdValue(ReadOnlyMemory<byte> bytes) => Memory = bytes;

    /// <summary>Takes the UTF-8 of a text.</summary>
    /// <exception cref="EncoderFallbackException">The text is not valid UTF-16.</exception>
    public EtcdValue(string text)
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

    /// <summary>Whether there are no bytes, which is a value as good as any.</summary>
    public bool IsEmpty => Memory.IsEmpty;

    /// <summary>Takes the UTF-8 of a text.</summary>
    public static implicit operator EtcdValue(string text) => new(text);

    /// <summary>Wraps bytes without copying them.</summary>
    public static implicit operator EtcdValue(byte[] bytes) => new(new ReadOnlyMemory<byte>(bytes));

    /// <summary>Wraps bytes without copying them.</summary>
    public static implicit operator EtcdValue(ReadOnlyMemory<byte> bytes) => new(bytes);

    /// <summary>Whether the bytes are the same.</summary>
    public static bool operator ==(EtcdValue left, EtcdValue right) => left.Equals(right);

    /// <summary>Whether the bytes differ.</summary>
    public static bool operator !=(EtcdValue left, EtcdValue right) => !left.Equals(right);

    /// <summary>Reads the bytes as T.</summary>
    public T Read<T>(IEtcdSerializer<T> serializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        return serializer.Deserialize(Memory);
    }

    /// <summary>Reads the bytes as JSON; null where they are the JSON null.</summary>
    /// <exception cref="JsonException">They are not JSON of this type.</exception>
    public T? ReadJson<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Span, type);

    /// <inheritdoc/>
    public bool Equals(EtcdValue other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EtcdValue other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>The bytes as UTF-8; what is not UTF-8 shows as U+FFFD.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Span);

    internal ByteString ToByteString() => UnsafeByteOperations.UnsafeWrap(Memory);
}
