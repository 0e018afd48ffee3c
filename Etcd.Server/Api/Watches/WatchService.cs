using System.Diagnostics;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Metrics;
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
        using var output = new WatchOutput();
        WatchStream stream = api.Rooms.Watches.OpenStream(output);
        try
        {
            Task writer = WriteAsync(stream, output, responses, ended.Token);
            Task reader = ReadAsync(stream, requests, context, ended.Token);
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
        catch (Exception e) when (CountBreak(context, e))
        {
            throw;
        }
        finally
        {
            stream.Close();
        }
    }

    /// <summary>Counts a stream that broke although its client is there; says no, so that the exception goes on.</summary>
    private bool CountBreak(ServerCallContext context, Exception e)
    {
        if (!context.CancellationToken.IsCancellationRequested)
        {
            api.Figures.Grpc.CountStreamFailure(e is RpcException ? "receive" : "send", "watch");
        }

        return false;
    }

    private async Task ReadAsync(
        WatchStream stream, IAsyncStreamReader<WatchRequest> requests, ServerCallContext context, CancellationToken cancellation)
    {
        while (await requests.MoveNext(cancellation).ConfigureAwait(false))
        {
            if (api.Auth.IsEnabled && await WatchPermission.RefuseAsync(api.Auth, requests.Current, context).ConfigureAwait(false) is { } refusal)
            {
                stream.Refuse(refusal.StatusText);
            }
            else
            {
                Take(stream, requests.Current);
            }

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

    private async Task WriteAsync(
        WatchStream stream, WatchOutput output, IServerStreamWriter<WatchBatch> responses, CancellationToken cancellation)
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
                long began = Stopwatch.GetTimestamp();
                await responses.WriteAsync(batch, CancellationToken.None).ConfigureAwait(false);
                Count(batch, Stopwatch.GetElapsedTime(began));
                batch = next;
            }
        }
    }

    private void Count(WatchBatch batch, TimeSpan took)
    {
        GrpcFigures figures = api.Figures.Grpc;
        if (batch.EventCount > 0)
        {
            figures.WatchSends.Observe(took);
            figures.WatchSendsPerEvent.Observe(took / batch.EventCount);
        }
        else if (batch.Created || batch.Canceled)
        {
            figures.WatchControlSends.Observe(took);
        }
        else
        {
            figures.WatchProgressSends.Observe(took);
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
}

/// <summary>Binds <see cref="WatchService"/> with a marshaller that writes a response's shared event bytes without a copy in between.</summary>
/// <param name="api">The node.</param>
internal sealed class WatchMethods(ApiContext api) : IServiceMethodProvider<WatchService>
{
    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<WatchService> context)
    {
        GrpcFigures grpc = api.Figures.Grpc;
        MethodFigures? figures = null;
        var method = new Method<WatchRequest, WatchBatch>(
            MethodType.DuplexStreaming,
            "etcdserverpb.Watch",
            "Watch",
            new Marshaller<WatchRequest>(
                static (_, _) => throw new NotSupportedException("a server does not write requests"),
                payload =>
                {
                    grpc.ReceivedBytes.Add(payload.PayloadLength);
                    figures!.CountReceived();
                    return WatchRequest.Parser.ParseFrom(payload.PayloadAsReadOnlySequence());
                }),
            new Marshaller<WatchBatch>(
                (batch, payload) =>
                {
                    figures!.CountSent();
                    grpc.SentBytes.Add(Write(batch, payload));
                },
                static _ => throw new NotSupportedException("a server does not read responses")));
        figures = grpc.Of(method);
        context.AddDuplexStreamingMethod(
            method, [], static (service, requests, responses, call) => service.Watch(requests, responses, call));
    }

    private int Write(WatchBatch batch, SerializationContext payload)
    {
        var header = new WatchHeader(api.Status.ClusterId, api.Status.MemberId.Value, api.Status.Term.Value);
        int length = batch.ComputeSize(header);
        payload.SetPayloadLength(length);
        batch.WriteTo(payload.GetBufferWriter(), header);
        payload.Complete();
        return length;
    }
}
