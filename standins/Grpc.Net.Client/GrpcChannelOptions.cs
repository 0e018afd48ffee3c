using Grpc.Core;
using Grpc.Net.Compression;
using Microsoft.Extensions.Logging;

namespace Grpc.Net.Client;

/// <summary>How a <see cref="GrpcChannel"/> works. The channel copies what it needs when it is made.</summary>
public sealed class GrpcChannelOptions
{
    internal const int DefaultMaxReceiveMessageSize = 4 * 1024 * 1024;

    /// <summary>Credentials of the channel; null for those that the address's scheme implies.</summary>
    public ChannelCredentials? Credentials { get; set; }

    /// <summary>The longest message that may be sent, in bytes; null (the default) for any.</summary>
    public int? MaxSendMessageSize { get; set; }

    /// <summary>The longest message that may be received, in bytes; null for any. The default is 4 MiB.</summary>
    public int? MaxReceiveMessageSize { get; set; } = DefaultMaxReceiveMessageSize;

    /// <summary>Encodings besides <c>identity</c>; null (the default) for gzip.</summary>
    public IList<ICompressionProvider>? CompressionProviders { get; set; }

    /// <summary>Where the channel logs; null for nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>The client that makes the HTTP requests; exclusive with <see cref="HttpHandler"/>.</summary>
    public HttpClient? HttpClient { get; set; }

    /// <summary>The handler that makes the HTTP requests; null for a handler of the channel's own.</summary>
    public HttpMessageHandler? HttpHandler { get; set; }

    /// <summary>Whether the channel disposes of <see cref="HttpClient"/> or <see cref="HttpHandler"/> with itself.</summary>
    public bool DisposeHttpClient { get; set; }

    /// <summary>
    /// Whether a call that its token or deadline ended throws <see cref="OperationCanceledException"/> rather than
    /// <see cref="RpcException"/>.
    /// </summary>
    public bool ThrowOperationCanceledOnCancellation { get; set; }

    /// <summary>Whether call credentials are sent over a channel without TLS, where anyone on the way can read them.</summary>
    public bool UnsafeUseInsecureChannelCallCredentials { get; set; }

    /// <summary>
    /// The longest pause between two attempts to connect of a call that waits for readiness; null for no limit.
    /// The default is two minutes.
    /// </summary>
    public TimeSpan? MaxReconnectBackoff { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>The first pause between two attempts to connect of a call that waits for readiness. The default is one second.</summary>
    public TimeSpan InitialReconnectBackoff { get; set; } = TimeSpan.FromSeconds(1);
}
