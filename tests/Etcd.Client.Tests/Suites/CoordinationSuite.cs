namespace Etcd.Client.Tests.Suites;

/// <summary>What the suites of locks, elections and queues share.</summary>
public abstract class CoordinationSuite : ClientSuite
{
    private EtcdClient? _client;

    /// <summary>A client of the test.</summary>
    protected EtcdClient Client => _client ??= NewClient();

    /// <summary>A session that is revoked when the test ends, or before.</summary>
    protected async Task<EtcdSession> NewSessionAsync(EtcdClient? client = null) =>
        Keep(await (client ?? Client).Leases.CreateSessionAsync(TimeSpan.FromSeconds(60), Token));

    /// <summary>Waits until so many keys are below a prefix: waiters have taken their places.</summary>
    protected Task UntilKeysAsync(string prefix, int count) =>
        UntilAsync(async () => await Client.Kv.CountAsync(EtcdRange.Prefix(prefix), cancellationToken: Token) == count);

    /// <summary>The task's result, or a failure after a while.</summary>
    protected static Task<T> InTimeAsync<T>(ValueTask<T> task) => InTimeAsync(task.AsTask());

    /// <summary>The task's result, or a failure after a while.</summary>
    protected static Task<T> InTimeAsync<T>(Task<T> task) => task.WaitAsync(Patience, Token);
}
