using System.Net;

namespace Grpc.Net.Client.Internal.Streams;

/// <summary>
/// The one request of a call as the body of the HTTP request. Serialized when the transport asks for it, straight before
/// the write, and again where the transport repeats a request that the server has not seen.
/// </summary>
internal sealed class UnaryContent<TRequest, TResponse>(GrpcCall<TRequest, TResponse> call, TRequest request) : HttpContent
    where TRequest : class
    where TResponse : class
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var writer = call.CreateWriter();
        try
        {
            await stream.WriteAsync(Serialize(writer), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            writer.Release();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = -1;
        return false;
    }

    private ReadOnlyMemory<byte> Serialize(Messages.MessageWriter writer)
    {
        try
        {
            return call.Write(writer, request, null);
        }
        catch (Exception exception)
        {
            // Here rather than where the transport reports it, wrapped in exceptions of its own.
            call.Fail(exception, "Error serializing the request.");
            throw;
        }
    }
}
