using System.IO.Pipelines;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Watch;
using Grpc.Core;

namespace Etcd.Server.Api.Watches;

/// <summary>
/// etcdserverpb.Watch. One call is one <see cref="WatchStream"/>: the reader takes the client's requests to it, the sender
/// takes its responses to the client. What a response means is the watch room's matter.
/// </summary>
/// <param name="api">The node.</param>
internal sealed class WatchService(ApiContext api)
{
    private readonly WatchFigures _figures = new(api.Figures.Grpc);

    /// <summary>Serves one call until the client ends it or goes away, or the member stops.</summary>
    /// <param name="requests">The client's requests.</param>
    /// <param name="responses">gRPC's way to the client.</param>
    /// <param name="context">The call.</param>
    /// <param name="body">The response's body, to be written without gRPC; null if that must not be.</param>
    public async Task Watch(
        IAsyncStreamReader<WatchRequest> requests,
        IServerStreamWriter<WatchBatch> responses,
        ServerCallContext context,
        PipeWriter? body = null)
    {
        if (body is not null)
        {
            var sender = new FrameSender(api, _figures, body);
            await ServeAsync(requests, sender, sender.RunAsync, context).ConfigureAwait(false);
        }
        else
        {
            using var sender = new MessageSender(_figures, responses);
            await ServeAsync(requests, sender.Output, sender.RunAsync, context).ConfigureAwait(false);
        }
    }

    private async Task ServeAsync(
        IAsyncStreamReader<WatchRequest> requests, IWatchOutput output, Func<WatchStream, CancellationToken, Task> send, ServerCallContext context)
    {
        CancellationToken leaderLost = context.LeaderLost(api.Status);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, api.Stopping, leaderLost);
        WatchStream stream = api.Rooms.Watches.OpenStream(output);
        Task sender = send(stream, ended.Token);
        try
        {
            Task reader = ReadAsync(stream, requests, context, ended.Token);
            Task first = await Task.WhenAny(sender, reader).ConfigureAwait(false);
            if (reader.IsCompletedSuccessfully)
            {
                // A client that has nothing more to ask may go on to listen, as with etcd.
                first = sender;
                await SwallowCancellation(sender).ConfigureAwait(false);
            }

            await ended.CancelAsync().ConfigureAwait(false);
            await first.ConfigureAwait(false);
            await SwallowCancellation(first == sender ? reader : sender).ConfigureAwait(false);
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
            await ended.CancelAsync().ConfigureAwait(false);
            if (output is FrameSender)
            {
                // Whatever ended the call: gRPC writes its trailers behind this, and the body has one writer at a time. gRPC's own
                // writer sees to that itself, and may be held up by a client that does not read.
                await sender.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

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
        while (true)
        {
            Task<bool> next = requests.MoveNext(cancellation);
            if (!next.IsCompleted)
            {
                // What came together is carried out, and answered, together.
                stream.Submit();
            }

            if (!await next.ConfigureAwait(false))
            {
                stream.Submit();
                return;
            }

            if (api.Auth.IsEnabled && await WatchPermission.RefuseAsync(api.Auth, requests.Current, context).ConfigureAwait(false) is { } refusal)
            {
                stream.Refuse(refusal.StatusText);
            }
            else
            {
                Take(stream, requests.Current);
            }

            if (stream.PendingAnswers > WatchStream.PendingAnswersMax)
            {
                stream.Submit();
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
