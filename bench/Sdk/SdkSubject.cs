using Etcd.Client;

namespace Etcd.Bench.Sdk;

/// <summary>Etcd.Client as its users have it.</summary>
internal sealed class SdkSubject(string url) : ISubject
{
    public const string Title = "Etcd.Client";

    private readonly EtcdClient _client = new(url);

    public string Name => Title;

    public async ValueTask PutAsync(byte[] key, byte[] value) => await _client.Kv.PutAsync(key, value).ConfigureAwait(false);

    public async ValueTask GetAsync(byte[] key) => await _client.Kv.GetAsync(key).ConfigureAwait(false);

    public async Task WatchAsync(byte[] key, int watches, EventHandler onEvent, CancellationToken cancellation)
    {
        EtcdWatcher[] all = await Task.WhenAll(Enumerable.Range(0, watches).Select(
            _ => _client.Watch.StartAsync(EtcdRange.Single(key), null, cancellation).AsTask())).ConfigureAwait(false);
        for (int i = 0; i < all.Length; i++)
            _ = ReadAsync(all[i], i, onEvent, cancellation);
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static async Task ReadAsync(EtcdWatcher watcher, int watch, EventHandler onEvent, CancellationToken cancellation)
    {
        try
        {
            await foreach (EtcdWatchBatch batch in watcher.WithCancellation(cancellation).ConfigureAwait(false))
                for (int i = 0; i < batch.Events.Count; i++)
                    onEvent(watch, batch.Events[i].Value.Span);
        }
        catch (OperationCanceledException)
        {
            // The end of the measurement.
        }
    }
}
