using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.ServiceDiscovery;

namespace Etcd.Client.Hosting;

/// <summary>
/// The endpoints of one service, which a watch keeps up to date; while etcd cannot be reached those that were known last stay. Safe for concurrent
/// use.
/// </summary>
internal sealed class EtcdServiceEndpointProvider : IServiceEndpointProvider
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(5);

    private readonly EtcdEndpointManager _service;
    private readonly TimeSpan _timeout;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _following;
    private CancellationTokenSource _changed = new();
    private ServiceEndpoint[] _endpoints = [];

    public EtcdServiceEndpointProvider(EtcdEndpointManager service, TimeSpan timeout, ILogger log)
    {
        _service = service;
        _timeout = timeout;
        _log = log;
        _following = Task.Run(FollowAsync);
    }

    public async ValueTask PopulateAsync(IServiceEndpointBuilder endpoints, CancellationToken cancellationToken)
    {
        // An earlier provider knows better.
        if (endpoints.Endpoints.Count != 0)
            return;
        await Task.WhenAny(_first.Task, Task.Delay(_timeout, cancellationToken)).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        // Before the endpoints are read: a change between the two is told.
        endpoints.AddChangeToken(new CancellationChangeToken(Volatile.Read(ref _changed).Token));
        foreach (ServiceEndpoint endpoint in Volatile.Read(ref _endpoints))
            endpoints.Endpoints.Add(endpoint);
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _following.ConfigureAwait(false);
        _ending.Dispose();
    }

    /// <summary>For people, where service discovery says what it has asked.</summary>
    public override string ToString() => $"etcd {_service.Target}";

    private static ServiceEndpoint[] Read(EtcdEndpointSet set) =>
    [
        .. from endpoint in set.Endpoints.Values
           let address = Parse(endpoint.Address)
           where address is not null
           select ServiceEndpoint.Create(address),
    ];

    /// <summary>host:port, or a URI. Null for what is neither.</summary>
    private static EndPoint? Parse(string address)
    {
        string text = address.Contains("://", StringComparison.Ordinal) ? address : "http://" + address;
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0)
            return null;
        return IPAddress.TryParse(uri.IdnHost, out IPAddress? ip) ? new IPEndPoint(ip, uri.Port) : new DnsEndPoint(uri.IdnHost, uri.Port);
    }

    private async Task FollowAsync()
    {
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                await foreach (EtcdEndpointSet set in _service.FollowAsync(_ending.Token).ConfigureAwait(false))
                    await UseAsync(Read(set)).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (EtcdException e)
            {
                HostingLog.DiscoveryFailed(_log, e, _service.Target);
                await Task.Delay(PauseAfterFailure, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async ValueTask UseAsync(ServiceEndpoint[] endpoints)
    {
        Volatile.Write(ref _endpoints, endpoints);
        _first.TrySetResult();
        CancellationTokenSource changed = Interlocked.Exchange(ref _changed, new CancellationTokenSource());
        await changed.CancelAsync().ConfigureAwait(false);
        changed.Dispose();
    }
}
