using Etcd.Server.Api.Watches;

namespace Etcd.Server.Tests.Api;

/// <summary>Goal: no signal gets lost. A lost one would leave these tests waiting.</summary>
public sealed class WakeUpTests
{
    private readonly WakeUp _wakeUp = new();

    [Fact]
    public void ASignalIsRememberedOnce()
    {
        _wakeUp.Set();
        _wakeUp.Set();

        Assert.True(_wakeUp.WaitAsync().AsTask().IsCompleted);
        Task second = _wakeUp.WaitAsync().AsTask();
        Assert.False(second.IsCompleted);
        _wakeUp.Set();
        Assert.True(second.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task WhoWaitsGoesOnInsideOfTheSignal()
    {
        int wentOnOn = 0;
        async Task WaitAsync()
        {
            await _wakeUp.WaitAsync().ConfigureAwait(false);
            wentOnOn = Environment.CurrentManagedThreadId;
        }

        Task waiting = WaitAsync();
        _wakeUp.Set();

        Assert.Equal(Environment.CurrentManagedThreadId, wentOnOn);
        await waiting;
    }

    /// <summary>Two signal, as the watch room and the call's end do; whatever was counted before a signal is seen after it.</summary>
    [Fact]
    public async Task SignalsOfTwoThreadsAreSeen()
    {
        const int Each = 100_000;
        int counted = 0;
        Thread[] signallers = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < Each; i++)
            {
                Interlocked.Increment(ref counted);
                _wakeUp.Set();
            }
        }))];
        // Where it goes on is one of theirs.
        Task seen = Task.Run(
            async () =>
            {
                while (Volatile.Read(ref counted) < 2 * Each)
                {
                    await _wakeUp.WaitAsync().ConfigureAwait(false);
                }
            },
            TestContext.Current.CancellationToken);
        Array.ForEach(signallers, s => s.Start());

        // Before the wait: what goes on behind it may run on one of them, which would wait for itself.
        Array.ForEach(signallers, s => s.Join());
        await seen.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
    }
}
