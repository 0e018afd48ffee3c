using Grpc.Core;

namespace Grpc.AspNetCore.Server.Calls;

/// <summary>
/// The responses of a streaming call. One write at a time; each is sent at once, unless its options hint that more will
/// follow. A write ends when the transport has room again.
/// </summary>
internal sealed class ResponseStream<T>(ServerCall call, Action<T, SerializationContext> serializer) : IServerStreamWriter<T>
    where T : class
{
    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        cancellationToken.ThrowIfCancellationRequested();
        var options = WriteOptions ?? call.WriteOptions;
        var output = call.Stream.ResponseBody;
        call.BeginWrite();
        try
        {
            MessageWriter.Write(message, serializer, output, call.Settings, call.CompressesNext(options));
            if (options is null || !options.Flags.HasFlag(WriteFlags.BufferHint))
            {
                var flushing = output.FlushAsync(cancellationToken);
                if (!flushing.IsCompleted)
                {
                    call.StartDeadline();
                }

                await flushing.ConfigureAwait(false);
            }
        }
        finally
        {
            call.EndWrite();
        }
    }
}
