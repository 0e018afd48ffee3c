using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Calls;

// Reading requests, straight from the transport's pipe.
internal sealed partial class ServerCall
{
    /// <summary>Reads the one request of a call that takes one, up to the end of the request stream.</summary>
    /// <exception cref="RpcException">There is none, more than one, a broken one or one that is too large.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<T> ReadSingleAsync<T>(Func<DeserializationContext, T> deserializer)
    {
        var input = Stream.RequestBody;
        while (true)
        {
            var result = await ReadAsync(input, CancellationToken.None).ConfigureAwait(false);
            if (TryTakeSingle(input, result, deserializer, out var request))
            {
                return request;
            }
        }
    }

    /// <summary>Reads the next request of a stream; false at its end.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<(bool Any, T? Request)> ReadNextAsync<T>(Func<DeserializationContext, T> deserializer, CancellationToken cancellationToken)
    {
        var input = Stream.RequestBody;
        while (true)
        {
            var result = await ReadAsync(input, cancellationToken).ConfigureAwait(false);
            var isEmpty = result.Buffer.IsEmpty;
            if (TryTakeNext(input, result, deserializer, out var request))
            {
                return (true, request);
            }

            if (result.IsCompleted)
            {
                return isEmpty ? (false, default) : throw GrpcErrors.Truncated();
            }
        }
    }

    private ValueTask<ReadResult> ReadAsync(PipeReader input, CancellationToken cancellationToken)
    {
        var reading = input.ReadAsync(cancellationToken);
        if (!reading.IsCompleted)
        {
            // The client may send its headers and never the rest.
            StartDeadline();
        }

        return reading;
    }

    private bool TryTakeSingle<T>(PipeReader input, in ReadResult result, Func<DeserializationContext, T> deserializer, out T request)
    {
        var buffer = result.Buffer;
        var consumed = buffer.Start;
        try
        {
            if (!MessageFrame.TryRead(buffer, Settings.ReceiveBytesMax, out var frame))
            {
                request = default!;
                return result.IsCompleted ? throw (buffer.IsEmpty ? GrpcErrors.MissingRequest() : GrpcErrors.Truncated()) : false;
            }

            if (!frame.End.Equals(buffer.End) && buffer.Slice(frame.End).Length > 0)
            {
                throw GrpcErrors.SecondRequest();
            }

            if (!result.IsCompleted)
            {
                // The end of the stream follows at once; ending the call before would make the engine reset the stream.
                request = default!;
                return false;
            }

            request = Deserialize(frame, deserializer);
            consumed = buffer.End;
            return true;
        }
        finally
        {
            input.AdvanceTo(consumed, buffer.End);
        }
    }

    private bool TryTakeNext<T>(PipeReader input, in ReadResult result, Func<DeserializationContext, T> deserializer, out T request)
    {
        var buffer = result.Buffer;
        var (consumed, examined) = (buffer.Start, buffer.End);
        try
        {
            if (!MessageFrame.TryRead(buffer, Settings.ReceiveBytesMax, out var frame))
            {
                request = default!;
                return false;
            }

            request = Deserialize(frame, deserializer);
            consumed = examined = frame.End;
            return true;
        }
        finally
        {
            input.AdvanceTo(consumed, examined);
        }
    }
}
