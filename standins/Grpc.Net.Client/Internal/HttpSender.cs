namespace Grpc.Net.Client.Internal;

/// <summary>Sends HTTP requests by the handler or client of the options, or by a handler of its own.</summary>
internal sealed class HttpSender : IDisposable
{
    private readonly HttpMessageInvoker _invoker;
    private readonly HttpClient? _client;
    private readonly bool _owned;

    private HttpSender(HttpMessageInvoker invoker, bool owned)
    {
        _invoker = invoker;
        _client = invoker as HttpClient;
        _owned = owned;
    }

    public static HttpSender Create(GrpcChannelOptions options)
    {
        if (options.HttpClient is { } client)
            return new HttpSender(client, options.DisposeHttpClient);
        if (options.HttpHandler is { } handler)
            return new HttpSender(new HttpMessageInvoker(handler, options.DisposeHttpClient), owned: true);
        return new HttpSender(new HttpMessageInvoker(CreateHandler()), owned: true);
    }

    // An HttpClient buffers a whole response unless told otherwise, which no stream would survive.
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => _client is null
        ? _invoker.SendAsync(request, cancellationToken)
        : _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

    public void Dispose()
    {
        if (_owned)
            _invoker.Dispose();
    }

    // Without further connections a call would wait for a stream once the server's limit (often 100) is reached, and
    // streams that last, such as watches, would block all others. Redirects and cookies have no meaning in gRPC.
    private static SocketsHttpHandler CreateHandler() => new()
    {
        EnableMultipleHttp2Connections = true,
        AllowAutoRedirect = false,
        UseCookies = false,
    };
}
