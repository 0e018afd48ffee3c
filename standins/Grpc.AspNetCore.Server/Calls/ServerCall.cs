using System.Diagnostics;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Calls;

/// <summary>
/// One call: what the service's method sees of it, and the one place that decides how it ends. The method's return, its
/// exception and the deadline race for the end; the first of them wins and the others change nothing.
/// Members that the method uses are used by one thread at a time; the deadline comes from a timer's thread.
/// </summary>
internal sealed partial class ServerCall(CallStream stream, MethodSettings settings) : ServerCallContext, IAsyncDisposable
{
    private Metadata? _requestHeaders;
    private Metadata? _responseTrailers;
    private Status _status;
    private List<object>? _owned;

    public CallStream Stream { get; } = stream;

    public MethodSettings Settings { get; } = settings;

    protected override string MethodCore => Stream.Method;

    protected override string HostCore => Stream.Host;

    protected override string PeerCore => Stream.Peer;

    protected override DateTime DeadlineCore =>
        _timeout is { } timeout ? DateTime.UtcNow - Stopwatch.GetElapsedTime(_started) + timeout : DateTime.MaxValue;

    protected override CancellationToken CancellationTokenCore => _timeout is null ? Stream.Aborted : StartDeadline()!.Token;

    protected override Metadata ResponseTrailersCore => _responseTrailers ??= [];

    protected override Status StatusCore
    {
        get => _status;
        set => _status = value;
    }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override AuthContext AuthContextCore => Stream.AuthContext;

    protected override IDictionary<object, object> UserStateCore => Stream.UserState;

    protected override Metadata RequestHeadersCore
    {
        get
        {
            if (_requestHeaders is null)
            {
                var headers = new Metadata();
                Stream.ReadHeaders(headers);
                _requestHeaders = headers;
            }

            return _requestHeaders;
        }
    }

    /// <summary>Reads the headers that govern the call.</summary>
    /// <exception cref="RpcException">One of them is malformed, or asks for what is not known.</exception>
    public void Begin()
    {
        if (Stream.Timeout is { } timeout)
        {
            _timeout = GrpcTimeout.TryParse(timeout, out var parsed) ? parsed : throw GrpcErrors.MalformedTimeout(timeout);
            _started = Stopwatch.GetTimestamp();
        }

        CheckEncodings();
    }

    /// <summary>Gives this call something to dispose when it ends.</summary>
    public void Own(object disposable) => (_owned ??= []).Add(disposable);

    public async ValueTask DisposeAsync()
    {
        if (_deadline is not null)
        {
            await StopDeadlineAsync().ConfigureAwait(false);
        }

        if (_owned is not null)
        {
            await DisposeOwnedAsync(_owned).ConfigureAwait(false);
        }
    }

    protected override async Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        ArgumentNullException.ThrowIfNull(responseHeaders);
        if (Stream.HasStarted)
        {
            throw new InvalidOperationException("Response headers can only be sent once per call.");
        }

        BeginWrite();
        try
        {
            foreach (var entry in responseHeaders)
            {
                Stream.AddHeader(entry.Key, entry.IsBinary ? BinaryHeader.Encode(entry.ValueBytes) : entry.Value);
            }

            await Stream.ResponseBody.FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            EndWrite();
        }
    }

    // No one outside of Grpc.Core.Api can derive from the token's type.
    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
        throw new NotSupportedException("Propagation tokens are not offered; hand on Deadline and CancellationToken instead.");

    private static async ValueTask DisposeOwnedAsync(List<object> owned)
    {
        for (var i = owned.Count - 1; i >= 0; i--)
        {
            switch (owned[i])
            {
                case IAsyncDisposable disposable:
                    await disposable.DisposeAsync().ConfigureAwait(false);
                    break;
                case IDisposable disposable:
                    disposable.Dispose();
                    break;
            }
        }
    }
}
