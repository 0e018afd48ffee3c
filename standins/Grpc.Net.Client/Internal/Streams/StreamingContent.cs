using System.Net;

namespace Grpc.Net.Client.Internal.Streams;

/// <summary>
/// A stream of requests as the body of the HTTP request: it hands the transport's stream to the writer and lasts until
/// the writer completes it or the call aborts it.
/// </summary>
internal sealed class StreamingContent : HttpContent
{
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private Stream? _stream;
    private bool _written;

    /// <summary>Where messages are written; fails once the call has ended.</summary>
    public ValueTask<Stream> TakeStreamAsync()
    {
        lock (_gate)
        {
            if (_stream is not null)
            {
                _written = true;
                return new ValueTask<Stream>(_stream);
            }
        }

        return WaitForStreamAsync();
    }

    /// <summary>Ends the request; the server sees that no message follows.</summary>
    public void Complete() => _end.TrySetResult();

    /// <summary>Breaks the request off, unless it is complete.</summary>
    public void Abort()
    {
        _end.TrySetCanceled();
        _opened.TrySetCanceled();
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // The handler keeps the headers back until something is flushed, and the first message may take long to come.
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        Offer(stream);
        await _end.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = -1;
        return false;
    }

    // The handler starts over where the server has refused the stream. That is invisible to the caller as long as no
    // message was lost with the first attempt.
    private void Offer(Stream stream)
    {
        lock (_gate)
        {
            if (_written)
                throw new IOException("The connection ended after requests had been written to it.");
            _stream = stream;
        }

        _opened.TrySetResult(stream);
    }

    private async ValueTask<Stream> WaitForStreamAsync()
    {
        await _opened.Task.ConfigureAwait(false);
        lock (_gate)
        {
            _written = true;
            return _stream!;
        }
    }
}
