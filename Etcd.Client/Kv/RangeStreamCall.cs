using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;

namespace Etcd.Client;

/// <summary>How a range stream goes on.</summary>
internal enum RangeStep
{
    /// <summary>There is a chunk.</summary>
    Chunk,

    /// <summary>The range has been read to its end.</summary>
    End,

    /// <summary>The stream is gone, and the same may be asked again.</summary>
    Broken,

    /// <summary>The member does not have this call: it is older than v3.7, or a proxy.</summary>
    NotSupported,
}

/// <summary>One RangeStream call at one endpoint. For one reader.</summary>
internal sealed class RangeStreamCall : IAsyncDisposable
{
    private readonly EtcdConnection _connection;
    private readonly RangeRequest _request;
    private readonly EtcdListOptions _options;
    private readonly CancellationTokenSource _waited = new();
    private Endpoint? _endpoint;
    private AsyncServerStreamingCall<RangeAnswer>? _call;
    private CallHeaders? _headers;

    public RangeStreamCall(EtcdConnection connection, RangeRequest request, EtcdListOptions options)
    {
        _connection = connection;
        _request = request;
        _options = options;
    }

    /// <summary>The chunk that <see cref="NextAsync"/> has found.</summary>
    public RangeAnswer Chunk => _call!.ResponseStream.Current;

    /// <summary>Waits for what comes next, at most as long as a call may take.</summary>
    /// <exception cref="EtcdException">The read failed, and would fail again.</exception>
    public async ValueTask<RangeStep> NextAsync(CancellationToken cancellation)
    {
        _waited.CancelAfter(_options.Timeout ?? _connection.Options.Timeout);
        try
        {
            if (_call is null && !await OpenAsync(cancellation).ConfigureAwait(false))
                return RangeStep.NotSupported;
            // The caller's token ends the call itself.
            return await _call!.ResponseStream.MoveNext(_waited.Token).ConfigureAwait(false) ? RangeStep.Chunk : RangeStep.End;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
        {
            _endpoint!.LacksRangeStream = true;
            return RangeStep.NotSupported;
        }
        catch (Exception e) when ((e is RpcException or OperationCanceledException)
            && _waited.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return RangeStep.Broken;
        }
        catch (Exception e) when (Caller.Translate(e, _endpoint, changes: false, cancellation) is { } translated)
        {
            if (translated is not EtcdException failure)
                throw translated;
            _connection.Caller.NoteFailure(failure, _endpoint, _headers);
            return failure.Advice != RetryAdvice.No ? RangeStep.Broken : throw failure;
        }
        finally
        {
            // The time that the reader takes does not count.
            _waited.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public ValueTask DisposeAsync()
    {
        _call?.Dispose();
        _endpoint?.Leave();
        _waited.Dispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask<bool> OpenAsync(CancellationToken cancellation)
    {
        _endpoint = _connection.Pool.Enter();
        if (_endpoint.LacksRangeStream)
            return false;
        bool requireLeader = _options.RequireLeader ?? _connection.Options.RequireLeader;
        (_headers, CallOptions options) = await _connection.Caller.StreamOptionsAsync(requireLeader, cancellation).ConfigureAwait(false);
        _call = _endpoint.Invoker.AsyncServerStreamingCall(Methods.RangeStream, null, options, _request);
        return true;
    }
}
