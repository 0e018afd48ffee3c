using System.Diagnostics;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace Etcd.Client;

/// <summary>
/// Carries calls out: picks endpoints, tries again by clientv3's rule, renews the token, keeps the deadline, translates
/// failures, measures. The first attempt goes without any of Polly's machinery: nearly all calls need no second. Safe for concurrent use.
/// </summary>
internal sealed class Caller
{
    private readonly EndpointPool _pool;
    private readonly TokenSource _tokens;
    private readonly EtcdClientOptions _options;
    private readonly ILogger _log;
    private readonly ResiliencePipeline _retries;

    public Caller(EndpointPool pool, TokenSource tokens, EtcdClientOptions options, ILogger log)
    {
        _pool = pool;
        _tokens = tokens;
        _options = options;
        _log = log;
        _retries = options.Retry.MaxRetries == 0 ? ResiliencePipeline.Empty : BuildRetries(options);
    }

    /// <summary>Carries out a unary call and gives its response as it is.</summary>
    /// <exception cref="EtcdException">It failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<TResponse> CallAsync<TRequest, TResponse>(
        Rpc<TRequest, TResponse> rpc, TRequest request, EtcdCallOptions? options, CancellationToken cancellation)
        where TRequest : class
        where TResponse : class => CallAsync(rpc, request, options, 0, static (response, _) => response, cancellation);

    /// <summary>
    /// Carries out a unary call. It ends in what users get, so that no other async method must lie between: each would cost every
    /// call an object and a step.
    /// </summary>
    /// <param name="rpc">The method.</param>
    /// <param name="request">The request.</param>
    /// <param name="options">The call's options, null for none.</param>
    /// <param name="prefixLength">How many bytes of the keys in the response belong to the namespace.</param>
    /// <param name="read">Makes the result of the response and the prefix's length; best a static method, which costs no object.</param>
    /// <param name="cancellation">Gives the call up.</param>
    /// <exception cref="EtcdException">It failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask<TResult> CallAsync<TRequest, TResponse, TResult>(
        Rpc<TRequest, TResponse> rpc, TRequest request, EtcdCallOptions? options, int prefixLength, Func<TResponse, int, TResult> read,
        CancellationToken cancellation)
        where TRequest : class
        where TResponse : class
    {
        cancellation.ThrowIfCancellationRequested();
        long started = Stopwatch.GetTimestamp();
        using Activity? activity = Telemetry.Start(rpc.Operation);
        DateTime deadline = DeadlineOf(options);
        bool requireLeader = options?.RequireLeader ?? _options.RequireLeader;
        Endpoint? endpoint = null;
        CallHeaders? headers = null;
        EtcdException failure;
        try
        {
            headers = _tokens.Current ?? await _tokens.GetAsync(cancellation).ConfigureAwait(false);
            endpoint = _pool.Enter();
            bool several = rpc.Repeatable && _pool.Count > 1 && _options.Retry.AttemptTimeout != Timeout.InfiniteTimeSpan;
            DateTime end = several ? Earlier(deadline, DateTime.UtcNow + _options.Retry.AttemptTimeout) : deadline;
            var callOptions = new CallOptions(headers.For(requireLeader), end, cancellation);
            TResponse response = await endpoint.Invoker.AsyncUnaryCall(rpc.Method, null, callOptions, request).ResponseAsync.ConfigureAwait(false);
            endpoint.Succeeded();
            Telemetry.Succeeded(rpc.Operation, endpoint, started, activity);
            return read(response, prefixLength);
        }
        catch (Exception e) when (Translate(e, endpoint, !rpc.Repeatable, cancellation) is { } translated)
        {
            failure = translated as EtcdException ?? throw translated;
        }
        finally
        {
            endpoint?.Leave();
        }

        NoteFailure(failure, endpoint, headers);
        var state = new UnaryState<TRequest, TResponse>(rpc, request, deadline) { LastFailure = failure, LastEndpoint = endpoint, Attempts = 1 };
        if (endpoint is not null)
            state.Tried.Add(endpoint);
        return read(await RetryAsync(state, requireLeader, started, activity, cancellation).ConfigureAwait(false), prefixLength);
    }

    /// <summary>As <see cref="CallAsync{TRequest, TResponse}"/>, for calls of other kinds.</summary>
    public async ValueTask<TResponse> RunAsync<TResponse>(
        CallState<TResponse> state, bool requireLeader, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        long started = Stopwatch.GetTimestamp();
        using Activity? activity = Telemetry.Start(state.Operation);
        return await RetryAsync(state, requireLeader, started, activity, cancellation).ConfigureAwait(false);
    }

    /// <summary>Carries out a call at one endpoint and no other, once.</summary>
    public async ValueTask<TResponse> CallAtAsync<TRequest, TResponse>(
        string address, Rpc<TRequest, TResponse> rpc, TRequest request, EtcdCallOptions? options, CancellationToken cancellation)
        where TRequest : class
        where TResponse : class
    {
        cancellation.ThrowIfCancellationRequested();
        long started = Stopwatch.GetTimestamp();
        using Activity? activity = Telemetry.Start(rpc.Operation);
        Endpoint endpoint = _pool.EnterAt(address);
        try
        {
            CallHeaders headers = await _tokens.GetAsync(cancellation).ConfigureAwait(false);
            var callOptions = new CallOptions(
                headers.For(options?.RequireLeader ?? _options.RequireLeader), DeadlineOf(options), cancellation);
            TResponse response = await endpoint.Invoker.AsyncUnaryCall(rpc.Method, null, callOptions, request).ResponseAsync.ConfigureAwait(false);
            Telemetry.Succeeded(rpc.Operation, endpoint, started, activity);
            return response;
        }
        catch (Exception e) when (Translate(e, endpoint, !rpc.Repeatable, cancellation) is { } translated)
        {
            if (translated is EtcdException failure)
                Telemetry.Failed(rpc.Operation, endpoint, started, activity, failure);
            throw translated;
        }
        finally
        {
            endpoint.Leave();
        }
    }

    /// <summary>Opens a stream at an endpoint that the caller has entered.</summary>
    public async ValueTask<(CallHeaders Headers, CallOptions Options)> StreamOptionsAsync(bool requireLeader, CancellationToken cancellation)
    {
        CallHeaders headers = await _tokens.GetAsync(cancellation).ConfigureAwait(false);
        return (headers, new CallOptions(headers.For(requireLeader), cancellationToken: cancellation));
    }

    /// <summary>When a call with these options must have ended.</summary>
    public DateTime DeadlineOf(EtcdCallOptions? options)
    {
        TimeSpan timeout = options?.Timeout ?? _options.Timeout;
        if (!EtcdClientOptions.IsTimeout(timeout))
            throw new ArgumentOutOfRangeException(nameof(options), timeout, "The timeout of a call must be positive, or infinite.");
        DateTime now = DateTime.UtcNow;
        return timeout == Timeout.InfiniteTimeSpan || timeout >= DateTime.MaxValue - now ? DateTime.MaxValue : now + timeout;
    }

    /// <summary>Remembers what a failure says about endpoint and token.</summary>
    public void NoteFailure(EtcdException failure, Endpoint? endpoint, CallHeaders? headers)
    {
        if (failure.Advice == RetryAdvice.WithNewToken && headers is not null)
            _tokens.Refused(headers);
        if (IsOfTheMember(failure))
            endpoint?.Failed();
    }

    /// <summary>
    /// From what an attempt threw to an <see cref="EtcdException"/>, or to the exception of a caller who gave up; null for what is to
    /// pass as it is. It does not throw, so that exception filters can call it.
    /// </summary>
    public static Exception? Translate(Exception exception, Endpoint? endpoint, bool changes, CancellationToken cancellation) => exception switch
    {
        RpcException { StatusCode: StatusCode.Cancelled } when cancellation.IsCancellationRequested =>
            new OperationCanceledException(exception.Message, exception, cancellation),
        RpcException rpc => ErrorMapper.Map(rpc, endpoint?.Address.Text, changes),
        ObjectDisposedException when endpoint is not null => ErrorMapper.EndpointGone(endpoint.Address.Text, exception),
        EtcdException own => own,
        _ => null,
    };

    private static bool IsOfTheMember(EtcdException failure) => failure.ErrorId switch
    {
        null => failure.IsTransient,
        Protocol.Errors.EtcdErrorId.NoLeader or Protocol.Errors.EtcdErrorId.Stopped
            or Protocol.Errors.EtcdErrorId.NotSupportedForLearner => true,
        _ => false,
    };

    private static DateTime Earlier(DateTime a, DateTime b) => a < b ? a : b;

    private async ValueTask<TResponse> RetryAsync<TResponse>(
        CallState<TResponse> state, bool requireLeader, long started, Activity? activity, CancellationToken cancellation)
    {
        if (state.LastFailure is { } first && (_options.Retry.MaxRetries == 0 || !state.MayRetry(first, _tokens.CanRenew)))
        {
            Telemetry.Failed(state.Operation, state.LastEndpoint, started, activity, first);
            throw first;
        }

        if (state.LastFailure is not null)
            NoteRetry(state);
        ResilienceContext context = ResilienceContextPool.Shared.Get(cancellation);
        context.Properties.Set(CallState.Key, state);
        try
        {
            TResponse response = await _retries.ExecuteAsync(
                static (context, call) => call.Caller.AttemptAsync(call.State, call.RequireLeader, context.CancellationToken),
                context,
                (Caller: this, State: state, RequireLeader: requireLeader)).ConfigureAwait(false);
            Telemetry.Succeeded(state.Operation, state.LastEndpoint, started, activity);
            return response;
        }
        catch (EtcdException e)
        {
            Telemetry.Failed(state.Operation, state.LastEndpoint, started, activity, e);
            throw;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private async ValueTask<TResponse> AttemptAsync<TResponse>(CallState<TResponse> state, bool requireLeader, CancellationToken cancellation)
    {
        if (state.LastFailure is { } last && DateTime.UtcNow >= state.Deadline)
            throw last;
        Endpoint? endpoint = null;
        CallHeaders? headers = null;
        try
        {
            headers = await _tokens.GetAsync(cancellation).ConfigureAwait(false);
            endpoint = _pool.Enter(state.Tried);
            state.LastEndpoint = endpoint;
            state.Tried.Add(endpoint);
            DateTime end = state.AttemptDeadline(_options.Retry.AttemptTimeout, _pool.Count);
            state.Attempts++;
            TResponse response = await state.SendAsync(
                endpoint.Invoker, new CallOptions(headers.For(requireLeader), end, cancellation)).ConfigureAwait(false);
            endpoint.Succeeded();
            return response;
        }
        catch (Exception e) when (Translate(e, endpoint, !state.Repeatable, cancellation) is { } translated)
        {
            if (translated is EtcdException failure)
            {
                NoteFailure(failure, endpoint, headers);
                state.LastFailure = failure;
            }

            throw translated;
        }
        finally
        {
            endpoint?.Leave();
        }
    }

    private ResiliencePipeline BuildRetries(EtcdClientOptions options) =>
        new ResiliencePipelineBuilder { TimeProvider = options.TimeProvider }
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = options.Retry.MaxRetries,
                ShouldHandle = arguments => ValueTask.FromResult(
                    StateOf(arguments.Context).MayRetry(arguments.Outcome.Exception, _tokens.CanRenew)),
                DelayGenerator = arguments => ValueTask.FromResult<TimeSpan?>(PauseBefore(StateOf(arguments.Context))),
                OnRetry = arguments =>
                {
                    NoteRetry(StateOf(arguments.Context));
                    return default;
                },
            })
            .Build();

    // None as long as there is an endpoint to try, and never beyond the call's deadline.
    private TimeSpan PauseBefore(CallState state)
    {
        if (_pool.HasUntried(state.Tried))
            return TimeSpan.Zero;
        TimeSpan pause = Backoff.Jittered(_options.Retry, state.Pauses++);
        TimeSpan left = state.Deadline - DateTime.UtcNow;
        return left <= TimeSpan.Zero ? TimeSpan.Zero : pause < left ? pause : left;
    }

    private static CallState StateOf(ResilienceContext context) =>
        context.Properties.GetValue(CallState.Key, null!);

    private void NoteRetry(CallState state)
    {
        Telemetry.Retried(state.Operation);
        ClientLog.Retrying(_log, state.Operation, state.LastEndpoint?.Address.Text, state.Attempts, state.LastFailure!.Message);
    }
}
