using System.Buffers;
using System.Text;
using Grpc.Core;

namespace Etcd.Grpc.Tests.CoreApi;

/// <summary>Goal: both forms of a marshaller give the same bytes, whichever it was made from.</summary>
public sealed class MarshallerTests
{
    [Fact]
    public void A_marshaller_over_contexts_works_over_arrays()
    {
        var marshaller = Marshallers.Create<string>(
            (text, context) =>
            {
                var bytes = Encoding.UTF8.GetBytes(text);
                context.SetPayloadLength(bytes.Length);
                context.GetBufferWriter().Write(bytes);
                context.Complete();
            },
            context =>
            {
                Assert.Equal(context.PayloadLength, context.PayloadAsReadOnlySequence().Length);
                return Encoding.UTF8.GetString(context.PayloadAsReadOnlySequence());
            });

        Assert.Equal("héllo"u8.ToArray(), marshaller.Serializer("héllo"));
        Assert.Equal("héllo", marshaller.Deserializer("héllo"u8.ToArray()));
        Assert.Empty(marshaller.Serializer(""));
    }

    [Fact]
    public void A_marshaller_over_arrays_works_over_contexts()
    {
        var context = new RecordingContext();

        Marshallers.StringMarshaller.ContextualSerializer("text", context);

        Assert.Equal("text"u8.ToArray(), context.Payload);
    }

    [Fact]
    public void A_serializer_that_does_not_complete_is_refused() => Assert.Throws<InvalidOperationException>(
        () => Marshallers.Create<string>((_, _) => { }, _ => "").Serializer("x"));

    [Fact]
    public void A_serializer_that_completes_twice_is_refused() => Assert.Throws<InvalidOperationException>(
        () => Marshallers.Create<string>(
            (_, context) =>
            {
                context.Complete();
                context.Complete([1]);
            },
            _ => "").Serializer("x"));

    private sealed class RecordingContext : SerializationContext
    {
        public byte[]? Payload { get; private set; }

        public override void Complete(byte[] payload) => Payload = payload;
    }
}
