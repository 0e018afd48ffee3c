using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Etcd.Client;

/// <summary>What a client and its namespaces share: endpoints, token, calls, the watch stream, the keep-alive stream.</summary>
internal sealed class EtcdConnection : IAsyncDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly TokenSource _tokens;
    private readonly Caller _anonymous;
    private readonly Task _syncing;
    private int _disposed;

    public EtcdConnection(EtcdClientOptions options, ILoggerFactory? loggers)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options.Copy();
        loggers ??= NullLoggerFactory.Instance;
        Log = loggers.CreateLogger("Etcd.Client");
        Pool = new EndpointPool(Options.Endpoints, new ChannelFactory(Options, loggers), Options.TimeProvider);
        _tokens = CreateTokens();
        _anonymous = new Caller(Pool, new TokenSource(new CallHeaders(null), null), Options, Log);
        Caller = new Caller(Pool, _tokens, Options, Log);
        WatchHubs = new WatchHubs(this);
        Leases = new KeepAliveHub(this);
        _syncing = Options.EndpointSyncInterval is { } interval ? SyncAsync(interval, _ending.Token) : Task.CompletedTask;
    }

    public EtcdClientOptions Options { get; }

    public ILogger Log { get; }

    public TimeProvider Time => Options.TimeProvider;

    public EndpointPool Pool { get; }

    public Caller Caller { get; }

    public WatchHubs WatchHubs { get; }

    public KeepAliveHub Leases { get; }

    public LocalLocks LocalLocks { get; } = new();

    /// <summary>Ends with the client.</summary>
    public CancellationToken Ending => _ending.Token;

    public bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    public void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(IsDisposed, typeof(EtcdClient));

    /// <summary>Replaces the endpoints by the client URLs of the voting members that have started.</summary>
    public async ValueTask SyncEndpointsAsync(CancellationToken cancellation)
    {
        MemberListResponse list = await Caller.CallAsync(
            Methods.MemberList, new MemberListRequest { Linearizable = true }, null, cancellation).ConfigureAwait(false);
        // A member without a name has not started, and a learner serves little.
        string[] urls = [.. list.Members.Where(m => m.Name.Length != 0 && !m.IsLearner).SelectMany(m => m.ClientURLs).Where(IsUsable)];
        if (Pool.Replace(urls))
            ClientLog.EndpointsChanged(Log, string.Join(", ", urls));
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _ending.CancelAsync().ConfigureAwait(false);
        await _syncing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await WatchHubs.DisposeAsync().ConfigureAwait(false);
        await Leases.DisposeAsync().ConfigureAwait(false);
        Pool.Dispose();
        _tokens.Dispose();
        _ending.Dispose();
    }

    private static bool IsUsable(string url) => EndpointAddress.TryParse(url, out _);

    private TokenSource CreateTokens()
    {
        if (Options.Username is not null)
            return new TokenSource(null, AuthenticateAsync);
        if (Options.TokenProvider is { } provider)
            return new TokenSource(null, cancellation => AskAsync(provider, cancellation));
        return new TokenSource(new CallHeaders(Options.Token), null);
    }

    private static async ValueTask<string?> AskAsync(Func<CancellationToken, ValueTask<string>> provider, CancellationToken cancellation)
    {
        try
        {
            return await provider(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw ErrorMapper.Make(new Failure
            {
                Message = "The token provider failed: " + e.Message,
                Code = StatusCode.Unauthenticated,
                Cause = e,
            });
        }
    }

    private async ValueTask<string?> AuthenticateAsync(CancellationToken cancellation)
    {
        var request = new AuthenticateRequest { Name = Options.Username, Password = Options.Password };
        try
        {
            return (await _anonymous.CallAsync(Methods.Authenticate, request, null, cancellation).ConfigureAwait(false)).Token;
        }
        catch (EtcdException e) when (e.ErrorId == EtcdErrorId.AuthNotEnabled)
        {
            // The cluster does not ask for a token now. Where it does later, it says so and we ask again.
            return null;
        }
    }

    private async Task SyncAsync(TimeSpan interval, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(interval, Time);
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
        {
            try
            {
                await SyncEndpointsAsync(cancellation).ConfigureAwait(false);
            }
            catch (EtcdException e)
            {
                ClientLog.EndpointSyncFailed(Log, e);
            }
        }
    }
}
