using System.Buffers;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Client;

/// <summary>A method of etcd as the client calls it.</summary>
/// <param name="Method">The method.</param>
/// <param name="Operation">Its name in spans and metrics.</param>
/// <param name="Repeatable">Whether it may be sent again though the first may have been carried out.</param>
internal sealed record Rpc<TRequest, TResponse>(Method<TRequest, TResponse> Method, string Operation, bool Repeatable)
    where TRequest : class
    where TResponse : class;

/// <summary>Makes methods of protobuf messages.</summary>
internal static class Rpc
{
    /// <summary>A call that changes nothing.</summary>
    public static Rpc<TRequest, TResponse> Read<TRequest, TResponse>(
        string service, string method, string operation, MessageParser<TRequest> requests, MessageParser<TResponse> responses)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        new(Create(MethodType.Unary, service, method, requests, responses), operation, Repeatable: true);

    /// <summary>A call that changes something.</summary>
    public static Rpc<TRequest, TResponse> Write<TRequest, TResponse>(
        string service, string method, string operation, MessageParser<TRequest> requests, MessageParser<TResponse> responses)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        new(Create(MethodType.Unary, service, method, requests, responses), operation, Repeatable: false);

    public static Method<TRequest, TResponse> Create<TRequest, TResponse>(
        MethodType type, string service, string method, MessageParser<TRequest> requests, MessageParser<TResponse> responses)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        new(type, "etcdserverpb." + service, method, Marshal(requests), Marshal(responses));

    /// <summary>A method whose responses are read by the client's own code.</summary>
    /// <param name="type">Its kind.</param>
    /// <param name="service">Its service.</param>
    /// <param name="method">Its name.</param>
    /// <param name="requests">Makes its requests.</param>
    /// <param name="read">Reads a response; the bytes are gone when it returns.</param>
    public static Method<TRequest, TResponse> Create<TRequest, TResponse>(
        MethodType type, string service, string method, MessageParser<TRequest> requests, Func<ReadOnlySequence<byte>, TResponse> read)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class =>
        new(type, "etcdserverpb." + service, method, Marshal(requests), Marshallers.Create<TResponse>(
            static (_, _) => throw new NotSupportedException("A client does not write responses."),
            context => read(context.PayloadAsReadOnlySequence())));

    private static Marshaller<T> Marshal<T>(MessageParser<T> parser)
        where T : class, IMessage<T> =>
        Marshallers.Create<T>(
            static (message, context) =>
            {
                context.SetPayloadLength(message.CalculateSize());
                message.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
}
