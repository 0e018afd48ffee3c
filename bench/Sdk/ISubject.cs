namespace Etcd.Bench.Sdk;

/// <summary>A client that is measured. Its calls may be made by many callers at once.</summary>
internal interface ISubject : IAsyncDisposable
{
    /// <summary>What the table calls it.</summary>
    string Name { get; }

    /// <summary>Writes one key.</summary>
    ValueTask PutAsync(byte[] key, byte[] value);

    /// <summary>Reads one key.</summary>
    ValueTask GetAsync(byte[] key);

    /// <summary>Watches one key so many times.</summary>
    /// <param name="key">The key.</param>
    /// <param name="watches">How many watches.</param>
    /// <param name="onEvent">Called for each event of each watch.</param>
    /// <param name="cancellation">Ends all.</param>
    /// <returns>Completes when the server has all watches.</returns>
    Task WatchAsync(byte[] key, int watches, Action onEvent, CancellationToken cancellation);
}
