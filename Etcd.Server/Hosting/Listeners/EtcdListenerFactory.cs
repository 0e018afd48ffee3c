using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>
/// Binds the endpoints that <see cref="ListenerExtensions.ListenEtcd"/> gave to Kestrel. Kestrel binds the protocols of a
/// socket one after the other: the first opens it, the others join. All other endpoints are left to other transports.
/// </summary>
internal sealed class EtcdListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector, IBoundEndpoints, IDisposable
{
    private readonly SocketTransportFactory _sockets;
    private readonly EtcdListenerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _binding = new(1, 1);
    private readonly Dictionary<SocketPlan, SharedListener> _listeners = [];
    private readonly List<EtcdEndpoint> _bound = [];

    public EtcdListenerFactory(
        IOptions<SocketTransportOptions> socketOptions,
        IOptions<EtcdListenerOptions> options,
        ILoggerFactory loggers,
        TimeProvider? time = null)
    {
        _sockets = new SocketTransportFactory(socketOptions, loggers);
        _options = options.Value;
        _time = time ?? TimeProvider.System;
        _logger = loggers.CreateLogger("Etcd.Server.Listeners");
    }

    public IReadOnlyList<EtcdEndpoint> Endpoints
    {
        get
        {
            lock (_lock)
            {
                return [.. _bound];
            }
        }
    }

    public bool CanBind(EndPoint endpoint) => endpoint is LogicalEndPoint;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (endpoint is not LogicalEndPoint logical)
        {
            throw new NotSupportedException($"{endpoint} is not an endpoint of this listener");
        }

        await _binding.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_listeners.TryGetValue(logical.Plan, out var shared))
            {
                shared = await OpenAsync(logical.Plan, cancellationToken).ConfigureAwait(false);
                _listeners.Add(logical.Plan, shared);
            }

            return shared.Attach(logical.Protocol);
        }
        finally
        {
            _binding.Release();
        }
    }

    public void Dispose() => _binding.Dispose();

    private async ValueTask<SharedListener> OpenAsync(SocketPlan plan, CancellationToken cancellationToken)
    {
        var socket = await BindSocketAsync(plan, cancellationToken).ConfigureAwait(false);
        var shared = new SharedListener(plan, socket, _options, _time, _logger);
        var port = shared.Address is IPEndPoint ip ? ip.Port : 0;
        lock (_lock)
        {
            _bound.AddRange(plan.Endpoints.Select(e => e.WithPort(port)));
        }

        return shared;
    }

    private async ValueTask<IConnectionListener> BindSocketAsync(SocketPlan plan, CancellationToken cancellationToken)
    {
        if (plan.Address is UnixDomainSocketEndPoint unix)
        {
            // A member that was killed leaves its socket file behind; etcd removes it before it binds, too.
            File.Delete(unix.ToString());
        }

        try
        {
            return await _sockets.BindAsync(plan.Address, cancellationToken).ConfigureAwait(false);
        }
        catch (AddressInUseException inUse)
        {
            throw new AddressInUseException($"{Describe(plan)}: bind: address already in use", inUse);
        }
        catch (SocketException failure)
        {
            throw new IOException($"{Describe(plan)}: bind: {failure.Message}", failure);
        }
    }

    private static string Describe(SocketPlan plan) =>
        plan.Address is UnixDomainSocketEndPoint unix ? $"listen unix {unix}" : $"listen tcp {plan.Endpoints[0].ToString().Split("://")[1]}";
}
