using System.Buffers;
using System.Diagnostics;
using Etcd.Bench.Compare;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Bench.Watch;

/// <summary>
/// Many watchers: a hundred to a stream and ten streams to a connection, as a busy client library has them, or each with a stream of its
/// own, a hundred to a connection. Of the responses only the events are counted. Disposing it ends the streams.
/// </summary>
internal sealed class WatchCrowd : IAsyncDisposable
{
    private const int WatchersPerConnection = 1000;
    private const int StreamsPerConnectionMax = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private static readonly Method<WatchRequest, News> Method = new(
        MethodType.DuplexStreaming,
        "etcdserverpb.Watch",
        "Watch",
        Marshallers.Create(static request => request.ToByteArray(), WatchRequest.Parser.ParseFrom),
        new Marshaller<News>(static (_, _) => throw new NotSupportedException(), Read));

    private readonly CancellationTokenSource _ended = new();
    private readonly List<GrpcChannel> _channels = [];
    private readonly List<AsyncDuplexStreamingCall<WatchRequest, News>> _streams = [];
    private readonly List<Task> _readers = [];
    private long _events;
    private long _created;
    private string? _refused;

    public WatchCrowd(int port, int watchers, int watchersPerStream)
    {
        int streams = (watchers + watchersPerStream - 1) / watchersPerStream;
        int perConnection = Math.Min(WatchersPerConnection / watchersPerStream, StreamsPerConnectionMax);
        for (int i = 0; i < streams; i++)
        {
            if (i % perConnection == 0)
                _channels.Add(GrpcChannel.ForAddress($"http://127.0.0.1:{port}"));
            AsyncDuplexStreamingCall<WatchRequest, News> stream =
                _channels[^1].CreateCallInvoker().AsyncDuplexStreamingCall(Method, null, new CallOptions(cancellationToken: _ended.Token));
            _streams.Add(stream);
            _readers.Add(ReadAsync(stream));
        }
    }

    /// <summary>Events that have come so far, of all watchers together.</summary>
    public long Events => Interlocked.Read(ref _events);

    /// <summary>Creates watches, each stream one after the other without waiting for answers, and waits until all are there.</summary>
    public async Task CreateAsync(int watchers, WatchCreateRequest watch, CancellationToken cancellationToken)
    {
        long wanted = Interlocked.Read(ref _created) + watchers;
        var request = new WatchRequest { CreateRequest = watch };
        int perStream = watchers / _streams.Count;
        int rest = watchers % _streams.Count;
        await Task.WhenAll(_streams.Select(async (stream, index) =>
        {
            for (int i = 0; i < perStream + (index < rest ? 1 : 0); i++)
                await stream.RequestStream.WriteAsync(request, cancellationToken).ConfigureAwait(false);
        })).ConfigureAwait(false);
        await WaitAsync(() => Interlocked.Read(ref _created) >= wanted, "the watches to be created", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until so many events have come in all.</summary>
    public Task WaitForEventsAsync(long count, CancellationToken cancellationToken) =>
        WaitAsync(() => Events >= count, $"{count} events", cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_readers).ConfigureAwait(false);
        foreach (GrpcChannel channel in _channels)
            channel.Dispose();
        _ended.Dispose();
    }

    private static News Read(DeserializationContext context)
    {
        ReadOnlySequence<byte> payload = context.PayloadAsReadOnlySequence();
        return News.Read(payload.IsSingleSegment ? payload.FirstSpan : payload.ToArray());
    }

    private async Task ReadAsync(AsyncDuplexStreamingCall<WatchRequest, News> stream)
    {
        try
        {
            while (await stream.ResponseStream.MoveNext(_ended.Token).ConfigureAwait(false))
            {
                News news = stream.ResponseStream.Current;
                if (news.Canceled)
                    _refused ??= "a watch was cancelled";
                if (news.Created)
                    Interlocked.Increment(ref _created);
                Interlocked.Add(ref _events, news.Events);
            }
            _refused ??= "a stream has ended";
        }
        catch (Exception exception) when (exception is RpcException or OperationCanceledException)
        {
            if (!_ended.IsCancellationRequested)
                _refused ??= exception.Message;
        }
        finally
        {
            stream.Dispose();
        }
    }

    // Polled, and not told by the readers: a wake-up per response would be the client's cost, on the server's processors.
    private async Task WaitAsync(Func<bool> holds, string what, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        while (!holds())
        {
            if (_refused is not null || Stopwatch.GetElapsedTime(began) > Patience)
                throw new Load.LoadFailedException($"waited for {what}: {_refused ?? "nothing came"}, {Events} events so far");
            await Task.Delay(1, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What counts of a WatchResponse: created 3, canceled 4, events 11.</summary>
    private sealed record News(bool Created, bool Canceled, int Events)
    {
        public static News Read(ReadOnlySpan<byte> message)
        {
            bool created = false, canceled = false;
            int events = 0;
            var fields = new ProtoFields(message);
            while (fields.Next())
            {
                created |= fields.Number == 3 && fields.Value != 0;
                canceled |= fields.Number == 4 && fields.Value != 0;
                events += fields.Number == 11 ? 1 : 0;
            }
            return new News(created, canceled, events);
        }
    }
}
