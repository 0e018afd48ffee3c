using System.Globalization;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Etcd.Grpc.Tests.Client;

/// <summary>
/// Goal: whatever ends a call, the caller gets one status and the server hears of it. Method: a server that waits to be
/// told; no test depends on how long a wait takes.
/// </summary>
public sealed class EndingCallsTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Cancelling_a_unary_call_gives_Cancelled_and_resets_the_stream()
    {
        var waiting = new Waiter();
        await using var server = await OddServer.StartAsync(waiting.AnswerAsync);
        using var channel = server.Connect();
        using var cancellation = new CancellationTokenSource();

        using var call = channel.CallUnary("x", new CallOptions(cancellationToken: cancellation.Token));
        await waiting.Started.WaitAsync(_patience, Token);
        await cancellation.CancelAsync();

        var failure = await TextService.FailsAsync(call.ResponseAsync);
        Assert.Equal(StatusCode.Cancelled, failure.StatusCode);
        Assert.Equal("Call canceled by the client.", failure.Status.Detail);
        Assert.Equal(failure.Status, call.GetStatus());
        await waiting.Aborted.WaitAsync(_patience, Token);
    }

    [Fact]
    public async Task A_call_with_a_cancelled_token_does_not_reach_the_server()
    {
        var calls = 0;
        await using var server = await OddServer.StartAsync(context =>
        {
            Interlocked.Increment(ref calls);
            return context.AnswerAsync("x");
        });
        using var channel = server.Connect();

        using var call = channel.CallUnary("x", new CallOptions(cancellationToken: new CancellationToken(canceled: true)));

        Assert.Equal(StatusCode.Cancelled, (await TextService.FailsAsync(call.ResponseAsync)).StatusCode);
        Assert.Equal(StatusCode.Cancelled, (await TextService.FailsAsync(call.ResponseHeadersAsync)).StatusCode);
        await channel.CallUnary("y");
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task Disposing_of_a_stream_cancels_it_on_the_server_though_nobody_reads()
    {
        var waiting = new Waiter();
        await using var server = await OddServer.StartAsync(waiting.AnswerAsync);
        using var channel = server.Connect();

        var call = channel.CallDuplex();
        await waiting.Started.WaitAsync(_patience, Token);
        await call.ResponseHeadersAsync;
        call.Dispose();

        await waiting.Aborted.WaitAsync(_patience, Token);
        Assert.Equal(StatusCode.Cancelled, call.GetStatus().StatusCode);
        Assert.Equal(StatusCode.Cancelled, (await TextService.FailsAsync(call.ResponseStream.MoveNext(Token))).StatusCode);
        Assert.Equal(StatusCode.Cancelled, (await TextService.FailsAsync(call.RequestStream.WriteAsync("x", Token))).StatusCode);
    }

    [Fact]
    public async Task Disposing_during_a_read_ends_the_read()
    {
        var waiting = new Waiter();
        await using var server = await OddServer.StartAsync(waiting.AnswerAsync);
        using var channel = server.Connect();

        var call = channel.CallServerStreaming("x");
        await call.ResponseHeadersAsync;
        var read = call.ResponseStream.MoveNext(Token);
        call.Dispose();

        var failure = await TextService.FailsAsync(read);
        Assert.Equal("gRPC call disposed.", failure.Status.Detail);
        await waiting.Aborted.WaitAsync(_patience, Token);
    }

    [Fact]
    public async Task Cancelling_a_read_ends_the_call()
    {
        var waiting = new Waiter();
        await using var server = await OddServer.StartAsync(waiting.AnswerAsync);
        using var channel = server.Connect();
        using var cancellation = new CancellationTokenSource();

        using var call = channel.CallServerStreaming("x");
        var read = call.ResponseStream.MoveNext(cancellation.Token);
        await waiting.Started.WaitAsync(_patience, Token);
        await cancellation.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await TextService.FailsAsync(read)).StatusCode);
        await waiting.Aborted.WaitAsync(_patience, Token);
    }

    [Fact]
    public async Task A_deadline_that_passes_gives_DeadlineExceeded_and_resets_the_stream()
    {
        var waiting = new Waiter();
        await using var server = await OddServer.StartAsync(waiting.AnswerAsync);
        using var channel = server.Connect();

        using var call = channel.CallUnary("x", new CallOptions(deadline: DateTime.UtcNow.AddSeconds(1)));

        Assert.Equal(StatusCode.DeadlineExceeded, (await TextService.FailsAsync(call.ResponseAsync)).StatusCode);
        await waiting.Aborted.WaitAsync(_patience, Token);
    }

    [Fact]
    public async Task A_deadline_in_the_past_ends_the_call_at_once()
    {
        await using var server = await OddServer.StartAsync(context => context.AnswerAsync("x"));
        using var channel = server.Connect();

        using var call = channel.CallUnary("x", new CallOptions(deadline: DateTime.UtcNow.AddDays(-1)));

        Assert.Equal(StatusCode.DeadlineExceeded, (await TextService.FailsAsync(call.ResponseAsync)).StatusCode);
    }

    [Theory]
    [InlineData(10, 'm', 1)]
    [InlineData(3600, 'm', 1)]
    [InlineData(10 * 24 * 3600, 'S', 1000)]
    [InlineData(400L * 365 * 24 * 3600, 'M', 60_000)]
    public async Task A_deadline_is_sent_as_a_timeout_of_at_most_eight_digits(long seconds, char unit, long unitMilliseconds)
    {
        await using var server = await OddServer.StartAsync(context => context.AnswerAsync(context.Request.Headers["grpc-timeout"].ToString()));
        using var channel = server.Connect();

        var before = DateTime.UtcNow;
        var sent = await channel.CallUnary("x", new CallOptions(deadline: before.AddSeconds(seconds)));

        Assert.Equal(unit, sent[^1]);
        Assert.InRange(sent.Length, 2, 9);
        var timeout = TimeSpan.FromMilliseconds(unitMilliseconds) * long.Parse(sent[..^1], CultureInfo.InvariantCulture);
        Assert.InRange(timeout.TotalSeconds, 0, seconds + 60);
    }

    [Fact]
    public async Task A_local_time_as_deadline_is_refused()
    {
        await using var server = await OddServer.StartAsync(context => context.AnswerAsync("x"));
        using var channel = server.Connect();

        Assert.Throws<InvalidOperationException>(() => channel.CallUnary("x", new CallOptions(deadline: DateTime.Now.AddHours(1))));
        Assert.Equal("x", await channel.CallUnary("x", new CallOptions(deadline: DateTime.MaxValue)));
    }

    [Fact]
    public async Task Cancellation_throws_OperationCanceledException_where_the_channel_says_so()
    {
        var waiting = new Waiter();
        await using var server = await OddServer.StartAsync(waiting.AnswerAsync);
        using var channel = server.Connect(options => options.ThrowOperationCanceledOnCancellation = true);
        using var cancellation = new CancellationTokenSource();

        using var call = channel.CallUnary("x", new CallOptions(cancellationToken: cancellation.Token));
        await waiting.Started.WaitAsync(_patience, Token);
        await cancellation.CancelAsync();

        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.ResponseAsync);
        Assert.Equal(cancellation.Token, cancelled.CancellationToken);
        using var late = channel.CallUnary("x", new CallOptions(deadline: DateTime.UtcNow.AddDays(-1)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => late.ResponseAsync);
    }

    [Fact]
    public async Task Disposing_of_the_channel_cancels_its_calls_and_refuses_new_ones()
    {
        var waiting = new Waiter();
        await using var server = await OddServer.StartAsync(waiting.AnswerAsync);
        var channel = server.Connect();
        var invoker = channel.CreateCallInvoker();
        using var call = channel.CallServerStreaming("x");
        await call.ResponseHeadersAsync;
        var read = call.ResponseStream.MoveNext(Token);

        await channel.ShutdownAsync();
        channel.Dispose();

        Assert.Equal(StatusCode.Cancelled, (await TextService.FailsAsync(read)).StatusCode);
        await waiting.Aborted.WaitAsync(_patience, Token);
        Assert.Throws<ObjectDisposedException>(() => invoker.AsyncUnaryCall(TextService.Unary, null, default, "x"));
        Assert.Throws<ObjectDisposedException>(() => channel.CreateCallInvoker());
    }

    [Fact]
    public async Task A_server_that_vanishes_gives_Unavailable()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.StartGrpc();
            await context.WriteMessageAsync("one");
            await context.Response.Body.FlushAsync();
            if (await context.ReadMessageAsync() is not null)
                context.Features.Get<IConnectionLifetimeFeature>()?.Abort();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using var channel = server.Connect();
        using var call = channel.CallDuplex();
        Assert.True(await call.ResponseStream.MoveNext(Token));

        var read = call.ResponseStream.MoveNext(Token);
        await call.RequestStream.WriteAsync("vanish", Token);

        var failure = await TextService.FailsAsync(read);
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.NotEmpty(failure.Status.Detail);
        Assert.NotNull(failure.Status.DebugException);
    }

    [Fact]
    public async Task A_server_that_is_not_there_gives_Unavailable_and_says_why()
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{UnusedPort()}");

        using var call = channel.CallUnary("x");

        var failure = await TextService.FailsAsync(call.ResponseAsync);
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.Contains("refused", failure.Status.Detail, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(failure.Trailers);
        using var stream = channel.CallDuplex();
        Assert.Equal(StatusCode.Unavailable, (await TextService.FailsAsync(stream.RequestStream.WriteAsync("x", Token))).StatusCode);
        Assert.Equal(StatusCode.Unavailable, (await TextService.FailsAsync(stream.ResponseStream.MoveNext(Token))).StatusCode);
    }

    [Fact]
    public async Task A_call_that_waits_for_readiness_succeeds_once_the_server_is_there()
    {
        var answers = new TaskCompletionSource<OddServer>();
        var attempts = 0;
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, token) =>
            {
                // The server comes up while the call waits between two attempts.
                if (Interlocked.Increment(ref attempts) == 1)
                    throw new SocketException((int)SocketError.ConnectionRefused);
                var address = new Uri((await answers.Task.WaitAsync(token)).Address);
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(address.Host, address.Port, token);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        await using var server = await OddServer.StartAsync(context => context.AnswerAsync("here"));
        answers.SetResult(server);
        using var channel = GrpcChannel.ForAddress("http://etcd.test", new GrpcChannelOptions
        {
            HttpHandler = handler,
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(1),
        });

        Assert.Equal("here", await channel.CallUnary("x", new CallOptions().WithWaitForReady()));
        Assert.True(attempts >= 2);
    }

    [Fact]
    public async Task A_call_that_waits_for_readiness_ends_at_its_deadline()
    {
        using var channel = GrpcChannel.ForAddress(
            $"http://127.0.0.1:{UnusedPort()}", new GrpcChannelOptions { InitialReconnectBackoff = TimeSpan.FromMilliseconds(1) });

        using var call = channel.CallUnary("x", new CallOptions(deadline: DateTime.UtcNow.AddMilliseconds(300)).WithWaitForReady());

        Assert.Equal(StatusCode.DeadlineExceeded, (await TextService.FailsAsync(call.ResponseAsync)).StatusCode);
    }

    [Fact]
    public async Task A_server_that_goes_away_gracefully_ends_its_streams_well_and_the_next_call_connects_anew()
    {
        var connections = new HashSet<string>();
        await using var server = await OddServer.StartAsync(async context =>
        {
            lock (connections)
                connections.Add(context.Connection.Id);
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            context.StartGrpc();
            await context.WriteMessageAsync("still answered");
            context.EndGrpc();
        });
        using var channel = server.Connect();

        for (var i = 0; i < 5; i++)
            Assert.Equal("still answered", await channel.CallUnary("x"));

        Assert.True(connections.Count > 1);
    }

    private static int UnusedPort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Starts an answer and holds it until the client is gone.</summary>
    private sealed class Waiter
    {
        private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Started => _started.Task;

        public Task Aborted => _aborted.Task;

        public async Task AnswerAsync(HttpContext context)
        {
            context.RequestAborted.Register(() => _aborted.TrySetResult());
            context.StartGrpc();
            await context.Response.StartAsync();
            await context.Response.Body.FlushAsync();
            _started.TrySetResult();
            await _aborted.Task;
        }
    }
}
