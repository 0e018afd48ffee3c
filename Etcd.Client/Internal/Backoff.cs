namespace Etcd.Client;

/// <summary>Pauses between the attempts of a stream that is opened again and again. For one loop.</summary>
internal sealed class Backoff(EtcdRetryOptions options, TimeProvider time)
{
    private int _failures;

    /// <summary>The stream has worked.</summary>
    public void Reset() => _failures = 0;

    /// <summary>Waits; longer with each failure.</summary>
    public Task WaitAsync(CancellationToken cancellation) => WaitAsync(options.MaxDelay, cancellation);

    /// <summary>Waits; longer with each failure, up to what is allowed here.</summary>
    public Task WaitAsync(TimeSpan longest, CancellationToken cancellation)
    {
        TimeSpan pause = Jittered(options, _failures++);
        return Task.Delay(pause < longest ? pause : longest, time, cancellation);
    }

    /// <summary>Between half and all of a time that doubles with each failure, up to the longest pause.</summary>
    public static TimeSpan Jittered(EtcdRetryOptions options, int failures)
    {
        TimeSpan longest = options.BaseDelay * Math.Pow(2, Math.Min(failures, 20));
        if (longest > options.MaxDelay)
            longest = options.MaxDelay;
        return longest * (0.5 + (Random.Shared.NextDouble() / 2));
    }
}
