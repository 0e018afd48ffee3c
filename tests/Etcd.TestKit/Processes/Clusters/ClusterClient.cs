using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.TestKit.Processes.Clusters;

/// <summary>
/// A client as clients of a cluster are: it tries one member and, where that does not answer well, the next. Safe for concurrent
/// use.
/// </summary>
public sealed class ClusterClient(IReadOnlyList<ClusterMember> members)
{
    private static readonly TimeSpan AttemptMax = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly KV.KVClient[] _clients = [.. members.Select(m => new KV.KVClient(m.Channel))];
    private int _next;
    private int _failures;

    /// <summary>Attempts that had no answer: each may have been carried out or not.</summary>
    public int Failures => Volatile.Read(ref _failures);

    /// <summary>Puts until it is acknowledged.</summary>
    public Task<PutResponse> PutAsync(string key, string value, CancellationToken cancellation)
    {
        var request = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) };
        return TryAsync((kv, options) => kv.PutAsync(request, options).ResponseAsync, cancellation);
    }

    /// <summary>Reads, linearizable, until there is an answer.</summary>
    public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
        TryAsync((kv, options) => kv.RangeAsync(request, options).ResponseAsync, cancellation);

    private async Task<T> TryAsync<T>(Func<KV.KVClient, CallOptions, Task<T>> attempt, CancellationToken cancellation)
    {
        int at = Interlocked.Increment(ref _next);
        while (true)
        {
            try
            {
                KV.KVClient client = _clients[(uint)at++ % _clients.Length];
                return await attempt(client, new CallOptions(deadline: DateTime.UtcNow + AttemptMax, cancellationToken: cancellation));
            }
            catch (RpcException e) when (IsPassing(e) && !cancellation.IsCancellationRequested)
            {
                Interlocked.Increment(ref _failures);
                await Task.Delay(Pause, cancellation);
            }
        }
    }

    /// <summary>Whether it is an error of a cluster in trouble, and not one of the request.</summary>
    private static bool IsPassing(RpcException error) =>
        error.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled;
}
