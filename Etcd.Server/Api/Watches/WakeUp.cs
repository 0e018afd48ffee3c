using System.Threading.Tasks.Sources;

namespace Etcd.Server.Api.Watches;

/// <summary>
/// A signal for one task that waits, again and again, without anything being made for each wait. What was signalled while nobody
/// waited is remembered, once. The task goes on inside of <see cref="Set"/>, on its caller's thread.
/// </summary>
internal sealed class WakeUp : IValueTaskSource
{
    private const int Idle = 0;
    private const int Signalled = 1;
    private const int Waiting = 2;

    private ManualResetValueTaskSourceCore<bool> _core;
    private int _state;

    /// <summary>Signals. Any thread.</summary>
    public void Set()
    {
        if (Interlocked.CompareExchange(ref _state, Signalled, Idle) == Waiting
            && Interlocked.CompareExchange(ref _state, Idle, Waiting) == Waiting)
        {
            _core.SetResult(true);
        }
    }

    /// <summary>Completes at the next signal, or at once if there was one since the last wait.</summary>
    public ValueTask WaitAsync()
    {
        _core.Reset();
        short version = _core.Version;
        if (Interlocked.CompareExchange(ref _state, Waiting, Idle) == Idle)
        {
            return new ValueTask(this, version);
        }

        Interlocked.Exchange(ref _state, Idle);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
