using System.Buffers;
using Grpc.Core;

namespace Etcd.Grpc.Bare;

/// <summary>A request of which only the length is kept, or a response that is written as it is.</summary>
internal sealed class Payload(byte[] bytes)
{
    public static Marshaller<Payload> Requests { get; } = new((_, _) => throw new NotSupportedException(), Read);

    public static Marshaller<Payload> Responses { get; } = new(Write, _ => throw new NotSupportedException());

    private static Payload Read(DeserializationContext context) => new(context.PayloadAsReadOnlySequence().ToArray());

    private static void Write(Payload payload, SerializationContext context)
    {
        context.SetPayloadLength(payload.Bytes.Length);
        context.GetBufferWriter().Write(payload.Bytes);
        context.Complete();
    }

    private byte[] Bytes { get; } = bytes;
}
