using System.Buffers;

namespace Grpc.Core;

/// <summary>
/// Takes the bytes of one message from a marshaller, in one of two ways: <see cref="Complete(byte[])"/> with all of
/// them, or <see cref="SetPayloadLength"/> where the length is known, <see cref="GetBufferWriter"/>, and
/// <see cref="Complete()"/>. It is valid only until the serializer returns.
/// </summary>
public abstract class SerializationContext
{
    /// <summary>Hands over the whole message.</summary>
    public virtual void Complete(byte[] payload) => throw NotOffered();

    /// <summary>Where the message is written, straight into the transport's buffer.</summary>
    public virtual IBufferWriter<byte> GetBufferWriter() => throw NotOffered();

    /// <summary>Says before the first write how long the message will be.</summary>
    public virtual void SetPayloadLength(int payloadLength) => throw NotOffered();

    /// <summary>Says that the message has been written to the buffer writer.</summary>
    public virtual void Complete() => throw NotOffered();

    private NotSupportedException NotOffered() => new($"{GetType()} does not offer this way to serialize.");
}
