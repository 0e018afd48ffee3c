using System.Diagnostics.CodeAnalysis;
using Grpc.Core;
using Grpc.Net.Client.Internal.Http;
using Grpc.Net.Client.Internal.Messages;
using Grpc.Net.Client.Internal.Streams;

namespace Grpc.Net.Client.Internal;

/// <summary>A call with its message types: writes requests and reads responses.</summary>
internal sealed class GrpcCall<TRequest, TResponse> : GrpcCall
    where TRequest : class
    where TResponse : class
{
    private const string ReadFailure = "Error reading the response.";

    private readonly Method<TRequest, TResponse> _method;

    public GrpcCall(GrpcChannel channel, Method<TRequest, TResponse> method, string? host, CallOptions options)
        : base(channel, Checked(options))
    {
        _method = method;
        Host = host;
    }

    protected override IMethod MethodInfo => _method;

    public MessageWriter CreateWriter() => new(Channel.Settings.MaxSendMessageSize);

    public ReadOnlyMemory<byte> Write(MessageWriter writer, TRequest message, WriteOptions? options) =>
        writer.Write(_method.RequestMarshaller.ContextualSerializer, message, CompressionFor(options));

    /// <summary>
    /// Sends the request and reads the one response. Runs on the caller's thread up to the first wait. One method from the
    /// request to the trailers, since each async method in between would cost every call an object.
    /// </summary>
    public async Task<TResponse> RunSingleResponseAsync(HttpContent content)
    {
        TResponse? message = null;
        MessageReader? reader = null;
        var failure = StartFailure;
        try
        {
            if (!IsEnded && await SendAsync(content).ConfigureAwait(false) is var response && TryTakeHeaders(response))
            {
                failure = ReadFailure;
                reader = CreateReader(response, await response.Content.ReadAsStreamAsync(TransportToken).ConfigureAwait(false));
                if (!await reader.MoveNextAsync(TransportToken).ConfigureAwait(false))
                    EndByTrailers(response, messageMissing: true);
                else if (TryDeserialize(reader, out message))
                {
                    if (await reader.MoveNextAsync(TransportToken).ConfigureAwait(false))
                        End(new Status(StatusCode.Internal, "Unexpected data after finished reading message."));
                    EndByTrailers(response, messageMissing: false);
                }
            }
        }
        catch (Exception exception)
        {
            Fail(exception, failure);
        }
        finally
        {
            reader?.Release();
        }

        return GetStatus().StatusCode == StatusCode.OK ? message! : throw CreateException();
    }

    /// <summary>Sends the request; the responses are read when the stream is.</summary>
    public ResponseStream<TRequest, TResponse> StartResponseStream(HttpContent content) => new(this, OpenReaderAsync(content));

    /// <summary>Reads the current message; false, and ends the call, where it is none.</summary>
    public bool TryDeserialize(MessageReader reader, [NotNullWhen(true)] out TResponse? message)
    {
        try
        {
            message = _method.ResponseMarshaller.ContextualDeserializer(reader);
            if (message is not null)
                return true;
            End(new Status(StatusCode.Internal, "Failed to deserialize response message."));
        }
        catch (Exception exception)
        {
            Fail(exception, "Failed to deserialize response message.");
            message = null;
        }

        return false;
    }

    private static CallOptions Checked(CallOptions options) =>
        options.Deadline is { Kind: not DateTimeKind.Utc } deadline && deadline != DateTime.MaxValue && deadline != DateTime.MinValue
            ? throw new InvalidOperationException("The deadline of a call must be in UTC.")
            : options;

    private async Task<ResponseBody?> OpenReaderAsync(HttpContent content)
    {
        if (await OpenAsync(content).ConfigureAwait(false) is not { } response)
            return null;
        try
        {
            return new ResponseBody(
                response, CreateReader(response, await response.Content.ReadAsStreamAsync(TransportToken).ConfigureAwait(false)));
        }
        catch (Exception exception)
        {
            Fail(exception, ReadFailure);
            return null;
        }
    }

    private MessageReader CreateReader(HttpResponseMessage response, Stream body)
    {
        var encoding = HeaderMetadata.Find(response.Headers, "grpc-encoding");
        var compression = encoding is null ? null : Channel.Settings.FindCompression(encoding);
        return new MessageReader(body, compression, encoding, Channel.Settings);
    }

    private void EndByTrailers(HttpResponseMessage response, bool messageMissing)
    {
        var status = ResponseStatus.FromTrailers(response);
        End(status.StatusCode == StatusCode.OK && messageMissing
            ? new Status(StatusCode.Internal, "Failed to deserialize response message.")
            : status);
    }
}

/// <summary>A response whose messages are being read.</summary>
internal sealed record ResponseBody(HttpResponseMessage Response, MessageReader Reader);
