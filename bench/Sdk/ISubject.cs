namespace Etcd.Bench.Sdk;

/// <summary>An event of a watch.</summary>
/// <param name="watch">Which of the watches, counted from 0.</param>
/// <param name="value">The value that was put.</param>
internal delegate void EventHandler(int watch, ReadOnlySpan<byte> value);

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
    /// <param name="onEvent">Called for each event of each watch; for one watch never twice at a time.</param>
    /// <param name="cancellation">Ends all.</param>
    /// <returns>Completes when the server has all watches.</returns>
    Task WatchAsync(byte[] key, int watches, EventHandler onEvent, CancellationToken cancellation);
}
