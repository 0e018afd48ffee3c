using System.Collections.Concurrent;
using Grpc.Core;
using Grpc.Net.Client.Internal;
using Grpc.Net.Client.Internal.Credentials;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Grpc.Net.Client;

/// <summary>
/// A channel to one address over HTTP/2. Making one does not connect; the handler connects with the first call and keeps
/// as many connections as the calls need. Safe for concurrent use, and meant to be shared by all clients of the address.
/// </summary>
public sealed class GrpcChannel : ChannelBase, IDisposable
{
    private readonly ConcurrentDictionary<IMethod, Uri> _methodUris = new(ReferenceEqualityComparer.Instance);
    private readonly ActiveCalls _activeCalls = new();
    private readonly HttpSender _sender;

    private GrpcChannel(Uri address, GrpcChannelOptions options)
        : base(address.Authority)
    {
        Address = address;
        Settings = new ChannelSettings(options);
        Credentials = ChannelCredentialsReader.Read(options, address);
        Log = (options.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger<GrpcChannel>();
        _sender = HttpSender.Create(options);
    }

    internal Uri Address { get; }

    internal ChannelSettings Settings { get; }

    internal ChannelCredentialsReader Credentials { get; }

    internal ILogger Log { get; }

    /// <summary>Creates a channel to an address such as <c>http://localhost:2379</c>.</summary>
    public static GrpcChannel ForAddress(string address) => ForAddress(address, new GrpcChannelOptions());

    /// <summary>Creates a channel to an address.</summary>
    public static GrpcChannel ForAddress(string address, GrpcChannelOptions channelOptions)
    {
        ArgumentNullException.ThrowIfNull(address);
        return ForAddress(new Uri(address), channelOptions);
    }

    /// <summary>Creates a channel to an address.</summary>
    public static GrpcChannel ForAddress(Uri address) => ForAddress(address, new GrpcChannelOptions());

    /// <summary>Creates a channel to an address.</summary>
    /// <exception cref="ArgumentException">The address is neither http nor https, or two ways to make requests are set.</exception>
    /// <exception cref="InvalidOperationException">The credentials do not fit the address.</exception>
    public static GrpcChannel ForAddress(Uri address, GrpcChannelOptions channelOptions)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(channelOptions);
        if (!address.IsAbsoluteUri || (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps))
            throw new ArgumentException($"The address '{address}' of a channel must be an absolute http or https URI.", nameof(address));
        if (channelOptions.HttpClient is not null && channelOptions.HttpHandler is not null)
            throw new ArgumentException("HttpClient and HttpHandler are both set; a channel uses one of them.", nameof(channelOptions));
        return new GrpcChannel(address, channelOptions);
    }

    /// <inheritdoc />
    public override CallInvoker CreateCallInvoker()
    {
        ObjectDisposedException.ThrowIf(_activeCalls.IsClosed, this);
        return new ChannelCallInvoker(this);
    }

    /// <summary>Cancels the calls that run and lets go of the connections.</summary>
    public void Dispose()
    {
        if (_activeCalls.Close(out var running))
            return;
        foreach (var call in running)
            call.Dispose();
        _sender.Dispose();
    }

    internal Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        _sender.SendAsync(request, cancellationToken);

    internal Uri GetMethodUri(IMethod method) => _methodUris.TryGetValue(method, out var uri)
        ? uri
        : _methodUris.GetOrAdd(method, static (key, address) => new Uri(address, key.FullName), Address);

    internal void AddCall(GrpcCall call) => ObjectDisposedException.ThrowIf(!_activeCalls.TryAdd(call), this);

    internal void RemoveCall(GrpcCall call) => _activeCalls.Remove(call);

    /// <inheritdoc />
    protected override Task ShutdownAsyncCore()
    {
        Dispose();
        return Task.CompletedTask;
    }
}
