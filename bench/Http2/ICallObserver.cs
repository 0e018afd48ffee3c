namespace Etcd.Bench.Http2;

/// <summary>Hears of each call's end, on the thread that drives the session. It may submit the next call at once.</summary>
internal interface ICallObserver
{
    /// <param name="call">The call, free to be submitted again.</param>
    /// <param name="error">Why it failed, or null where grpc-status 0 came behind a whole message.</param>
    void OnCompleted(Call call, string? error);
}
