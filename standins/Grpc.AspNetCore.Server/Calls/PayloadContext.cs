using System.Buffers;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Calls;

/// <summary>
/// Gives a payload to a deserializer. There is one per thread: deserializers run synchronously and may not keep it, so
/// no call pays for one.
/// </summary>
internal sealed class PayloadContext : DeserializationContext
{
    [ThreadStatic]
    private static PayloadContext? _idle;

    private ReadOnlySequence<byte> _payload;

    public override int PayloadLength => (int)_payload.Length;

    /// <exception cref="RpcException">The bytes are no such message.</exception>
    public static T Deserialize<T>(in ReadOnlySequence<byte> payload, Func<DeserializationContext, T> deserializer)
    {
        var context = _idle ?? new PayloadContext();
        _idle = null;
        context._payload = payload;
        try
        {
            return deserializer(context);
        }
        catch (Exception broken) when (broken is not (RpcException or OutOfMemoryException))
        {
            throw GrpcErrors.Malformed(broken);
        }
        finally
        {
            context._payload = default;
            _idle = context;
        }
    }

    public override byte[] PayloadAsNewBuffer() => _payload.ToArray();

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => _payload;
}
