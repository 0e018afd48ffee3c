using System.Buffers;

namespace Grpc.Core;

/// <summary>
/// Turns messages of one type into bytes and back. It comes with functions over arrays or over contexts and offers
/// both forms. Safe for concurrent use where its functions are.
/// </summary>
public class Marshaller<T>
{
    /// <summary>Creates a marshaller over arrays.</summary>
    public Marshaller(Func<T, byte[]> serializer, Func<byte[], T> deserializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        ArgumentNullException.ThrowIfNull(deserializer);
        Serializer = serializer;
        Deserializer = deserializer;
        ContextualSerializer = (message, context) => context.Complete(serializer(message));
        ContextualDeserializer = context => deserializer(context.PayloadAsNewBuffer());
    }

    /// <summary>Creates a marshaller over contexts, which need no array for each message.</summary>
    public Marshaller(Action<T, SerializationContext> serializer, Func<DeserializationContext, T> deserializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        ArgumentNullException.ThrowIfNull(deserializer);
        ContextualSerializer = serializer;
        ContextualDeserializer = deserializer;
        Serializer = message => SerializeToArray(serializer, message);
        Deserializer = bytes => deserializer(new ArrayDeserializationContext(bytes));
    }

    /// <summary>From a message to an array.</summary>
    public Func<T, byte[]> Serializer { get; }

    /// <summary>From an array to a message.</summary>
    public Func<byte[], T> Deserializer { get; }

    /// <summary>From a message to a context.</summary>
    public Action<T, SerializationContext> ContextualSerializer { get; }

    /// <summary>From a context to a message.</summary>
    public Func<DeserializationContext, T> ContextualDeserializer { get; }

    private static byte[] SerializeToArray(Action<T, SerializationContext> serializer, T message)
    {
        var context = new ArraySerializationContext();
        serializer(message, context);
        return context.GetPayload();
    }

    private sealed class ArraySerializationContext : SerializationContext
    {
        private ArrayBufferWriter<byte>? _writer;
        private byte[]? _payload;
        private bool _completed;

        public byte[] GetPayload() => !_completed
            ? throw new InvalidOperationException("The serializer returned without completing the message.")
            : _payload ?? _writer?.WrittenSpan.ToArray() ?? [];

        public override void SetPayloadLength(int payloadLength) =>
            _writer ??= payloadLength > 0 ? new ArrayBufferWriter<byte>(payloadLength) : new ArrayBufferWriter<byte>();

        public override IBufferWriter<byte> GetBufferWriter() => _writer ??= new ArrayBufferWriter<byte>();

        public override void Complete(byte[] payload)
        {
            Complete();
            _payload = payload;
        }

        public override void Complete()
        {
            if (_completed)
                throw new InvalidOperationException("The message has been completed already.");
            _completed = true;
        }
    }

    private sealed class ArrayDeserializationContext(byte[] payload) : DeserializationContext
    {
        public override int PayloadLength => payload.Length;

        public override byte[] PayloadAsNewBuffer() => (byte[])payload.Clone();

        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(payload);
    }
}
