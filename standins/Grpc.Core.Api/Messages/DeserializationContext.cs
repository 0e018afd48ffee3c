using System.Buffers;

namespace Grpc.Core;

/// <summary>Gives a marshaller the bytes of one message. It is valid only until the deserializer returns.</summary>
public abstract class DeserializationContext
{
    /// <summary>The length of the message.</summary>
    public abstract int PayloadLength { get; }

    /// <summary>The message in an array of its own, which the caller may keep.</summary>
    public virtual byte[] PayloadAsNewBuffer() => PayloadAsReadOnlySequence().ToArray();

    /// <summary>The message in the transport's buffers, which may not be touched after the deserializer returned.</summary>
    public virtual ReadOnlySequence<byte> PayloadAsReadOnlySequence() =>
        throw new NotSupportedException($"{GetType()} does not offer this way to deserialize.");
}
