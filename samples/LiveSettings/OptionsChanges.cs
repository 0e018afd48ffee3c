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
        // A signal, not the value: a reader that is slow needs the newest only, and values may be told out of order.
        var changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using IDisposable? listening = options.OnChange(_ => changes.Writer.TryWrite(true));
        // The stream ends with the application, which would wait for it otherwise.
        using CancellationTokenRegistration ending = stopping.Register(() => changes.Writer.TryComplete());
        changes.Writer.TryWrite(true);
        await foreach (bool _ in changes.Reader.ReadAllAsync(cancellationToken))
        {
            yield return options.CurrentValue;
        }
    }
}
