using System.Collections.Concurrent;
using Etcd.TestKit.Network;

namespace Etcd.Client.Tests.Suites;

/// <summary>
/// What the suites share. Each is run against a member of this project and against the real etcd; tests share the server of their class,
/// so each works below a prefix of its own.
/// </summary>
public abstract class ClientSuite : IAsyncDisposable
{
    private readonly ConcurrentStack<IAsyncDisposable> _open = new();

    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The server; skips the test where there is none.</summary>
    protected abstract string Url { get; }

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A prefix that no other test uses.</summary>
    protected string Prefix { get; } = $"t/{Guid.NewGuid():n}/";

    protected EtcdClient NewClient(string? url = null, Action<EtcdClientOptions>? configure = null)
    {
        EtcdClientOptions options = EtcdClientOptions.Parse(url ?? Url);
        options.Timeout = Patience;
        configure?.Invoke(options);
        return Keep(new EtcdClient(options));
    }

    protected FaultProxy NewProxy() => Keep(FaultProxy.Start(Url));

    /// <summary>Disposes of it after the test. Any thread may call it.</summary>
    protected T Keep<T>(T disposable)
        where T : IAsyncDisposable
    {
        _open.Push(disposable);
        return disposable;
    }

    /// <summary>Waits for something that happens by itself.</summary>
    protected static async Task UntilAsync(Func<ValueTask<bool>> condition)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(Patience);
        while (!await condition())
        {
            await Task.Delay(5, patience.Token);
        }
    }

    protected static Task UntilAsync(Func<bool> condition) => UntilAsync(() => ValueTask.FromResult(condition()));

    /// <summary>Waits for a token to fire.</summary>
    protected static async Task FiresAsync(CancellationToken token)
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (token.Register(fired.SetResult))
        {
            await fired.Task.WaitAsync(Patience, Token);
        }
    }

    /// <summary>The next batch of a watch.</summary>
    protected static async Task<EtcdWatchBatch> NextAsync(IAsyncEnumerator<EtcdWatchBatch> watch)
    {
        Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(Patience, Token));
        return watch.Current;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable disposable in _open)
        {
            await disposable.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }
}
