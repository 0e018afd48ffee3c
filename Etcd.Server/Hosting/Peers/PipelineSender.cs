using System.Net.Http.Headers;
using Etcd.Server.Peer;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// Sends messages one by one as requests, while no stream is open. One at a time, so that they stay in order; when one fails,
/// all that wait behind it are dropped: they would be old by the time that the member can be reached again.
/// </summary>
internal sealed class PipelineSender(PeerContext context, PeerLink link, CancellationToken stopping)
{
    private int _kicks;
    private volatile Task _running = Task.CompletedTask;

    /// <summary>Completes when nothing runs any more; only after the stop.</summary>
    public Task Ended => _running;

    /// <summary>There may be something to send. Any thread.</summary>
    public void Kick()
    {
        if (link.Outbox.Pipeline.IsEmpty)
        {
            return;
        }

        if (Interlocked.Increment(ref _kicks) == 1)
        {
            _running = Task.Run(SendAllAsync);
        }
    }

    private async Task SendAllAsync()
    {
        int answered;
        do
        {
            answered = Volatile.Read(ref _kicks);
            while (!stopping.IsCancellationRequested && link.Outbox.Pipeline.Take(out PipelineItem item))
            {
                await SendAsync(item).ConfigureAwait(false);
            }
        }
        while (Interlocked.Add(ref _kicks, -answered) != 0);
    }

    private async Task SendAsync(PipelineItem item)
    {
        string url = link.Urls.Pick();
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            limit.CancelAfter(context.Options.DialTimeout + context.Options.StreamTimeout);
            using HttpRequestMessage request = context.Http.NewRequest(HttpMethod.Post, url, PeerPaths.Pipeline, context.Identity);
            request.Content = new ByteArrayContent(item.Bytes);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/protobuf");
            using HttpResponseMessage answer = await context.Http.Requests.SendAsync(request, limit.Token).ConfigureAwait(false);
            await PeerAnswers.CheckPostAsync(context, link.Member, answer, limit.Token).ConfigureAwait(false);
            link.Activate();
            link.Counters.CountSent(item.Bytes.Length);
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or FormatException)
        {
            link.Urls.Unreachable(url);
            link.Deactivate($"failed to write {link.Member} on pipeline ({PeerContext.Reason(e)})");
            link.Outbox.Pipeline.Clear();
            link.ReportLost();
        }
    }
}
