using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Options;

namespace LiveSettings;

/// <summary>Options as a stream: how they are, and then how they are after each change.</summary>
internal static class OptionsChanges
{
    public static async IAsyncEnumerable<T> ReadChangesAsync<T>(
        this IOptionsMonitor<T> options, CancellationToken stopping, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A reader that is slow needs the newest only.
        var changes = Channel.CreateBounded<T>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        using IDisposable? listening = options.OnChange(value => changes.Writer.TryWrite(value));
        // The stream ends with the application, which would wait for it otherwise.
        using CancellationTokenRegistration ending = stopping.Register(() => changes.Writer.TryComplete());
        changes.Writer.TryWrite(options.CurrentValue);
        await foreach (T value in changes.Reader.ReadAllAsync(cancellationToken))
        {
            yield return value;
        }
    }
}
