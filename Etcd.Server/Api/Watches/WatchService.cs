using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Primitives;
using Etcd.Server.Watch;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Etcd.Server.Api.Watches;

/// <summary>
/// etcdserverpb.Watch. One call is one <see cref="WatchStream"/>: the reader takes the client's requests to it, the writer
/// takes its responses to the client. What a response means is the watch room's matter.
/// </summary>
/// <param name="api">The node.</param>
internal sealed class WatchService(ApiContext api)
{
    /// <summary>Serves one call until the client ends it or goes away, or the member stops.</summary>
    public async Task Watch(IAsyncStreamReader<WatchRequest> requests, IServerStreamWriter<WatchBatch> responses, ServerCallContext context)
    {
        CancellationToken leaderLost = context.LeaderLost(api.Status);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, api.Stopping, leaderLost);
        using var output = new Output();
        WatchStream stream = api.Rooms.Watches.OpenStream(output);
        try
        {
            Task writer = WriteAsync(stream, output, responses, ended.Token);
            Task reader = ReadAsync(stream, requests, ended.Token);
            Task first = await Task.WhenAny(writer, reader).ConfigureAwait(false);
            if (reader.IsCompletedSuccessfully)
            {
                // A client that has nothing more to ask may go on to listen, as with etcd.
                first = writer;
                await SwallowCancellation(writer).ConfigureAwait(false);
            }

            await ended.CancelAsync().ConfigureAwait(false);
            await first.ConfigureAwait(false);
            await SwallowCancellation(first == writer ? reader : writer).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw api.WhyEnded(EtcdErrors.WatchCanceled, leaderLost).ToException();
        }
        finally
        {
            stream.Close();
        }
    }

    private static async Task ReadAsync(WatchStream stream, IAsyncStreamReader<WatchRequest> requests, CancellationToken cancellation)
    {
        while (await requests.MoveNext(cancellation).ConfigureAwait(false))
        {
            Take(stream, requests.Current);
            // A client that asks and does not read its answers is not read from either.
            while (stream.PendingAnswers > WatchStream.PendingAnswersMax)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), cancellation).ConfigureAwait(false);
            }
        }
    }

    private static void Take(WatchStream stream, WatchRequest request)
    {
        switch (request.RequestUnionCase)
        {
            case WatchRequest.RequestUnionOneofCase.CreateRequest:
                stream.Create(Create(request.CreateRequest));
                break;
            case WatchRequest.RequestUnionOneofCase.CancelRequest:
                stream.Cancel(request.CancelRequest.WatchId);
                break;
            case WatchRequest.RequestUnionOneofCase.ProgressRequest:
                stream.RequestProgress();
                break;
            default:
                // etcd passes over what it does not know rather than end the other watches of the stream.
                break;
        }
    }

    private static WatchCreate Create(WatchCreateRequest request)
    {
        WatchFilters filters = WatchFilters.None;
        foreach (WatchCreateRequest.Types.FilterType filter in request.Filters)
        {
            filters |= filter switch
            {
                WatchCreateRequest.Types.FilterType.Noput => WatchFilters.NoPut,
                WatchCreateRequest.Types.FilterType.Nodelete => WatchFilters.NoDelete,
                _ => WatchFilters.None,
            };
        }

        return new WatchCreate(
            request.WatchId,
            request.Key.Memory,
            request.RangeEnd.Memory,
            request.StartRevision,
            filters,
            request.PrevKv,
            request.ProgressNotify,
            request.Fragment);
    }

    private static async Task WriteAsync(
        WatchStream stream, Output output, IServerStreamWriter<WatchBatch> responses, CancellationToken cancellation)
    {
        var buffered = new WriteOptions(WriteFlags.BufferHint);
        while (true)
        {
            await output.WaitAsync(cancellation).ConfigureAwait(false);
            bool any = stream.TryTake(out WatchBatch? batch);
            long unflushed = 0;
            while (any)
            {
                // A run of responses leaves in as few writes as it can, but leaves: the hub may fill the queue as fast as it is
                // emptied here, and what is not flushed neither reaches the client nor waits for it.
                any = stream.TryTake(out WatchBatch? next);
                unflushed += batch!.PendingBytes;
                bool wait = any && unflushed < Limits.WatchUnflushedBytesMax;
                unflushed = wait ? unflushed : 0;
                responses.WriteOptions = wait ? buffered : null;
                cancellation.ThrowIfCancellationRequested();
                await responses.WriteAsync(batch, CancellationToken.None).ConfigureAwait(false);
                batch = next;
            }
        }
    }

    private static async Task SwallowCancellation(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or RpcException or InvalidOperationException)
        {
            // The call is over either way; its outcome is that of the side that ended first.
        }
    }

    private sealed class Output : IWatchOutput, IDisposable
    {
        // Begins set: the stream may have something before the writer first asks.
        private readonly SemaphoreSlim _available = new(1);

        public void OnAvailable()
        {
            try
            {
                _available.Release();
            }
            catch (ObjectDisposedException)
            {
                // The hub's last word may come after the call has ended.
            }
        }

        public Task WaitAsync(CancellationToken cancellation) => _available.WaitAsync(cancellation);

        public void Dispose() => _available.Dispose();
    }
}

/// <summary>Binds <see cref="WatchService"/> with a marshaller that writes a response's shared event bytes without a copy in between.</summary>
/// <param name="api">The node.</param>
internal sealed class WatchMethods(ApiContext api) : IServiceMethodProvider<WatchService>
{
    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<WatchService> context)
    {
        var method = new Method<WatchRequest, WatchBatch>(
            MethodType.DuplexStreaming,
            "etcdserverpb.Watch",
            "Watch",
            new Marshaller<WatchRequest>(
                static (_, _) => throw new NotSupportedException("a server does not write requests"),
                static payload => WatchRequest.Parser.ParseFrom(payload.PayloadAsReadOnlySequence())),
            new Marshaller<WatchBatch>(
                Write,
                static _ => throw new NotSupportedException("a server does not read responses")));
        context.AddDuplexStreamingMethod(
            method, [], static (service, requests, responses, call) => service.Watch(requests, responses, call));
    }

    private void Write(WatchBatch batch, SerializationContext payload)
    {
        var header = new WatchHeader(api.Status.ClusterId, api.Status.MemberId.Value, api.Status.Term.Value);
        payload.SetPayloadLength(batch.ComputeSize(header));
        batch.WriteTo(payload.GetBufferWriter(), header);
        payload.Complete();
    }
}
