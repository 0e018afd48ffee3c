using System.Buffers;
using Grpc.Core;

namespace Etcd.Grpc.Tests.Server;

/// <summary>A message that is its raw bytes, with a marshaller of its own, as the server's hand-bound methods have.</summary>
public sealed class Blob(byte[] bytes)
{
    public byte[] Bytes { get; } = bytes;

    public static Marshaller<Blob> Marshaller { get; } = new(Write, context => new Blob(context.PayloadAsReadOnlySequence().ToArray()));

    /// <summary>Does not say its length beforehand.</summary>
    public static Marshaller<Blob> UnsizedMarshaller { get; } = new(
        (blob, context) =>
        {
            context.GetBufferWriter().Write(blob.Bytes);
            context.Complete();
        },
        context => new Blob(context.PayloadAsNewBuffer()));

    /// <summary>Hands over an array.</summary>
    public static Marshaller<Blob> ArrayMarshaller { get; } = new(blob => blob.Bytes, bytes => new Blob(bytes));

    /// <summary>Says more than it writes.</summary>
    public static Marshaller<Blob> TornMarshaller { get; } = new(
        (blob, context) =>
        {
            context.SetPayloadLength(blob.Bytes.Length + 1);
            context.GetBufferWriter().Write(blob.Bytes);
            context.Complete();
        },
        context => new Blob(context.PayloadAsNewBuffer()));

    private static void Write(Blob blob, SerializationContext context)
    {
        context.SetPayloadLength(blob.Bytes.Length);
        context.GetBufferWriter().Write(blob.Bytes);
        context.Complete();
    }
}
