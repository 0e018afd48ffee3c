using System.Net;
using Grpc.Core;
using Grpc.Net.Client.Internal.Credentials;
using Grpc.Net.Client.Internal.Http;
using Grpc.Net.Compression;

namespace Grpc.Net.Client.Internal;

internal abstract partial class GrpcCall
{
    // Metadata by which a caller asks for compressed requests; it names the encoding and is not sent itself.
    private const string RequestEncodingKey = "grpc-internal-encoding-request";
    /// <summary>What a failure is called that came before the response headers.</summary>
    protected const string StartFailure = "Error starting gRPC call.";

    private const double BackoffMultiplier = 1.6;
    private const double BackoffJitter = 0.2;

    private static readonly string _userAgent =
        "grpc-dotnet/" + (typeof(GrpcCall).Assembly.GetName().Version?.ToString(3) ?? "0");

    /// <summary>How requests are compressed, or null.</summary>
    public ICompressionProvider? RequestCompression { get; private set; }

    /// <summary>The host (authority) that the call names, or null for the address's.</summary>
    protected string? Host { get; init; }

    protected abstract IMethod MethodInfo { get; }

    /// <summary>How a message with these options, or else with the call's, is compressed.</summary>
    public ICompressionProvider? CompressionFor(WriteOptions? options) =>
        RequestCompression is not null && ((options ?? Options.WriteOptions)?.Flags & WriteFlags.NoCompress) is null or 0
            ? RequestCompression
            : null;

    /// <summary>
    /// Sends the request and takes the response headers in. Gives the response where messages follow; null where the
    /// call has ended. Never throws.
    /// </summary>
    protected async Task<HttpResponseMessage?> OpenAsync(HttpContent content)
    {
        try
        {
            if (_ended)
                return null;
            var response = await SendAsync(content).ConfigureAwait(false);
            return TryTakeHeaders(response) ? response : null;
        }
        catch (Exception exception)
        {
            Fail(exception, StartFailure);
            return null;
        }
    }

    /// <summary>Sends the request. Throws what the transport throws.</summary>
    protected Task<HttpResponseMessage> SendAsync(HttpContent content)
    {
        content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");
        return HasCredentials || Options.IsWaitForReady
            ? PrepareAndSendAsync(content)
            : Channel.SendAsync(CreateRequest(content, null), TransportToken);
    }

    /// <summary>Takes the response headers in; false where the call has ended, true where messages follow.</summary>
    protected bool TryTakeHeaders(HttpResponseMessage response)
    {
        if (!TryAttach(response))
            return false;
        if (ResponseStatus.FromHeaders(response) is { } status)
            End(status);
        AnnounceHeaders();
        return !_ended;
    }

    private async Task<HttpResponseMessage> PrepareAndSendAsync(HttpContent content)
    {
        var credentials = HasCredentials ? await ApplyCredentialsAsync().ConfigureAwait(false) : null;
        var sending = Options.IsWaitForReady
            ? SendWhenReadyAsync(content, credentials)
            : Channel.SendAsync(CreateRequest(content, credentials), TransportToken);
        return await sending.ConfigureAwait(false);
    }

    private bool HasCredentials => Options.Credentials is not null || Channel.Credentials.CallCredentials.Count != 0;

    // As long as no connection was made, nothing of the call has reached the server and it may be sent again.
    private async Task<HttpResponseMessage> SendWhenReadyAsync(HttpContent content, Metadata? credentials)
    {
        var backoff = Channel.Settings.InitialReconnectBackoff;
        while (true)
        {
            try
            {
                return await Channel.SendAsync(CreateRequest(content, credentials), TransportToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (!_ended && FailureStatus.IsConnectFailure(exception))
            {
                var delay = backoff * (1 + BackoffJitter * (2 * Random.Shared.NextDouble() - 1));
                LogMessages.WaitingForConnection(Channel.Log, MethodInfo.FullName, delay, exception);
                await Task.Delay(delay, TransportToken).ConfigureAwait(false);
                var longest = Channel.Settings.MaxReconnectBackoff;
                backoff = backoff < longest / BackoffMultiplier ? backoff * BackoffMultiplier : longest;
            }
        }
    }

    private HttpRequestMessage CreateRequest(HttpContent content, Metadata? credentials)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Channel.GetMethodUri(MethodInfo))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        var headers = request.Headers;
        if (Host is not null)
            headers.Host = Host;
        headers.TryAddWithoutValidation("TE", "trailers");
        headers.TryAddWithoutValidation("User-Agent", _userAgent);
        headers.TryAddWithoutValidation("grpc-accept-encoding", Channel.Settings.AcceptEncoding);
        if (Deadline != DateTime.MaxValue)
            headers.TryAddWithoutValidation("grpc-timeout", GrpcTimeout.Encode(TimeLeft(Deadline)));
        AddMetadata(request, Options.Headers);
        AddMetadata(request, credentials);
        return request;
    }

    private static TimeSpan TimeLeft(DateTime deadline)
    {
        var left = deadline - DateTime.UtcNow;
        return left > TimeSpan.Zero ? left : TimeSpan.FromTicks(1);
    }

    private void AddMetadata(HttpRequestMessage request, Metadata? metadata)
    {
        if (metadata is null)
            return;
        for (var i = 0; i < metadata.Count; i++)
        {
            var entry = metadata[i];
            if (entry.Key == RequestEncodingKey)
                SetRequestCompression(request, entry.Value);
            else
                HeaderMetadata.Write(request.Headers, entry);
        }
    }

    private void SetRequestCompression(HttpRequestMessage request, string encoding)
    {
        if (encoding == "identity")
            return;
        RequestCompression = Channel.Settings.FindCompression(encoding)
            ?? throw new InvalidOperationException($"The channel has no compression provider for grpc-encoding '{encoding}'.");
        request.Headers.TryAddWithoutValidation("grpc-encoding", encoding);
    }

    private async Task<Metadata?> ApplyCredentialsAsync()
    {
        if (!Channel.Credentials.MaySendCallCredentials)
        {
            LogMessages.CallCredentialsNotSent(Channel.Log, MethodInfo.FullName);
            return null;
        }

        var serviceUrl = $"{Channel.Address.Scheme}://{Host ?? Channel.Address.Authority}/{MethodInfo.ServiceName}";
        var context = new AuthInterceptorContext(serviceUrl, MethodInfo.Name, TransportToken);
        var headers = new Metadata();
        foreach (var credentials in Channel.Credentials.CallCredentials)
            await CallCredentialsReader.ApplyAsync(credentials, context, headers).ConfigureAwait(false);
        if (Options.Credentials is not null)
            await CallCredentialsReader.ApplyAsync(Options.Credentials, context, headers).ConfigureAwait(false);
        return headers;
    }
}
