using System.Threading.Channels;
using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;

namespace Etcd.Client;

/// <summary>
/// One Watch call: which substream has which id on it, and the requests that are to be sent. The hub's lock guards it, but for
/// <see cref="WriteAsync"/>.
/// </summary>
internal sealed class WatchSession(CancellationTokenSource ending)
{
    private readonly Dictionary<long, Substream> _running = [];
    private readonly Queue<(long Id, Substream Substream)> _unanswered = [];
    private readonly Channel<WatchRequest> _requests =
        Channel.CreateUnbounded<WatchRequest>(new UnboundedChannelOptions { SingleReader = true });

    public IEnumerable<Substream> Running => _running.Values;

    /// <summary>Asks for a watch.</summary>
    public void Create(Substream substream, long id)
    {
        substream.Id = id;
        _unanswered.Enqueue((id, substream));
        _requests.Writer.TryWrite(new WatchRequest { CreateRequest = substream.ToRequest() });
    }

    /// <summary>Ends a watch on the server, where it is there or asked for.</summary>
    public void Cancel(Substream substream)
    {
        if (substream.Id == 0)
            return;
        _running.Remove(substream.Id);
        _requests.Writer.TryWrite(new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = substream.Id } });
        substream.Id = 0;
    }

    public void RequestProgress() =>
        _requests.Writer.TryWrite(new WatchRequest { ProgressRequest = new WatchProgressRequest() });

    /// <summary>
    /// Finds whom an answer to a create request is for: requests are answered in their order, which is the only way to tell for a
    /// refused one, as that has no id. Null where the substream has gone meanwhile; its cancel request is on its way.
    /// </summary>
    public Substream? TakeCreated(WatchNews news)
    {
        if (!_unanswered.TryDequeue(out (long Id, Substream Substream) asked) || (!news.Canceled && asked.Id != news.WatchId))
            throw new EtcdException("The member answered a watch request that was not sent.");
        if (asked.Substream.Id != asked.Id)
            return null;
        if (!news.Canceled)
            _running.Add(asked.Id, asked.Substream);
        return asked.Substream;
    }

    public Substream? Find(long id) => _running.GetValueOrDefault(id);

    public void Forget(Substream substream)
    {
        _running.Remove(substream.Id);
        substream.Id = 0;
    }

    /// <summary>Ends the call.</summary>
    public void Close() => _ = ending.CancelAsync();

    /// <summary>Sends requests until the call ends. Never throws: the reader of the responses learns why the call ended.</summary>
    public async Task WriteAsync(IClientStreamWriter<WatchRequest> stream, CancellationToken cancellation)
    {
        try
        {
            await foreach (WatchRequest request in _requests.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
                await stream.WriteAsync(request, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or InvalidOperationException or IOException)
        {
        }
    }
}
