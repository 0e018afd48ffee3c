using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Etcd.Server.Api.Gateway;

/// <summary>
/// A gRPC call that this process makes to itself, without a connection: the same endpoint as a client's call, with the same admission,
/// the same counters and the same bytes. Requests are written and responses read by one task each; <see cref="RunAsync"/> runs the
/// service meanwhile. Disposed when it is over.
/// </summary>
internal sealed class InnerCall : IAsyncDisposable
{
    private const int FrameHeadBytes = 5;
    private const string GrpcContent = "application/grpc";

    private readonly Pipe _requests = new();
    private readonly Pipe _responses = new();
    private readonly CancellationTokenSource _aborted;
    private readonly HttpContext _http;
    private readonly InnerResponse _response;
    private Task _running = Task.CompletedTask;

    /// <summary>Prepares a call.</summary>
    /// <param name="outer">The HTTP request on whose behalf it is made; its abort is this call's.</param>
    /// <param name="path">The method's path.</param>
    /// <param name="endpoint">The method's endpoint.</param>
    public InnerCall(HttpContext outer, string path, Endpoint endpoint)
    {
        _aborted = CancellationTokenSource.CreateLinkedTokenSource(outer.RequestAborted);
        _response = new InnerResponse(_responses.Writer, _aborted);
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Method = HttpMethods.Post,
            Path = path,
            // gRPC asks for it.
            Protocol = HttpProtocol.Http2,
            Scheme = outer.Request.Scheme,
            Headers = GatewayMetadata.Of(outer),
        });
        features.Set<IRequestBodyPipeFeature>(new InnerRequestBody(_requests.Reader));
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(_response);
        features.Set<IHttpResponseTrailersFeature>(_response);
        features.Set<IHttpRequestLifetimeFeature>(_response);
        features.Set<IHttpResetFeature>(_response);
        // Not its TLS feature: the certificate of whoever asks the gateway is no user, as in etcd, which has a certificate of its own there.
        features.Set(outer.Features.Get<IHttpConnectionFeature>());
        _http = new DefaultHttpContext(features) { RequestServices = outer.RequestServices };
        _http.Request.ContentType = GrpcContent;
        _http.Request.Host = outer.Request.Host;
        _http.SetEndpoint(endpoint);
    }

    /// <summary>Cancelled when the call was given up.</summary>
    public CancellationToken Aborted => _response.RequestAborted;

    /// <summary>How the call ended; once its responses have ended.</summary>
    public Status Status
    {
        get
        {
            IHeaderDictionary ended = _http.Response.Headers.GrpcStatus.Count > 0 ? _http.Response.Headers : _response.Trailers;
            return int.TryParse(ended.GrpcStatus, NumberStyles.None, CultureInfo.InvariantCulture, out int code)
                ? new Status((StatusCode)code, Uri.UnescapeDataString(ended.GrpcMessage.ToString()))
                : new Status(StatusCode.Cancelled, "context canceled");
        }
    }

    /// <summary>Begins to run it.</summary>
    /// <param name="serve">What serves gRPC requests.</param>
    public void Start(RequestDelegate serve) => _running = RunAsync(serve);

    /// <summary>Sends a request.</summary>
    /// <param name="request">The request.</param>
    public async ValueTask SendAsync(IMessage request)
    {
        Write(request);
        await _requests.Writer.FlushAsync(Aborted).ConfigureAwait(false);
    }

    /// <summary>No more requests follow.</summary>
    public ValueTask EndRequestsAsync() => _requests.Writer.CompleteAsync();

    /// <summary>Gives it up: the service is told, and its responses end.</summary>
    public Task CancelAsync() => _aborted.CancelAsync();

    /// <summary>The next response; null at their end.</summary>
    /// <param name="parser">What reads it.</param>
    public async ValueTask<IMessage?> ReadAsync(MessageParser parser)
    {
        while (true)
        {
            ReadResult result = await _responses.Reader.ReadAsync(CancellationToken.None).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = result.Buffer;
            if (TryTake(ref buffer, out ReadOnlySequence<byte> message))
            {
                IMessage response = parser.ParseFrom(message);
                _responses.Reader.AdvanceTo(buffer.Start);
                return response;
            }

            _responses.Reader.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
            {
                return null;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // A service that waits for something is let go before it is waited for.
        await _aborted.CancelAsync().ConfigureAwait(false);
        await _requests.Writer.CompleteAsync().ConfigureAwait(false);
        await _responses.Reader.CompleteAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _aborted.Dispose();
    }

    private static bool TryTake(ref ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> message)
    {
        message = default;
        if (buffer.Length < FrameHeadBytes)
        {
            return false;
        }

        Span<byte> head = stackalloc byte[FrameHeadBytes];
        buffer.Slice(0, FrameHeadBytes).CopyTo(head);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(head[1..]);
        if (buffer.Length < FrameHeadBytes + (long)length)
        {
            return false;
        }

        message = buffer.Slice(FrameHeadBytes, length);
        buffer = buffer.Slice(message.End);
        return true;
    }

    private void Write(IMessage request)
    {
        PipeWriter output = _requests.Writer;
        Span<byte> head = output.GetSpan(FrameHeadBytes);
        head[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(head[1..], request.CalculateSize());
        output.Advance(FrameHeadBytes);
        request.WriteTo(output);
    }

    private async Task RunAsync(RequestDelegate serve)
    {
        // The caller goes on to read while the service runs.
        await Task.Yield();
        try
        {
            await serve(_http).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException)
        {
            // It was given up; whoever reads finds no status.
        }
        finally
        {
            await _responses.Writer.CompleteAsync().ConfigureAwait(false);
            await _requests.Reader.CompleteAsync().ConfigureAwait(false);
        }
    }
}
