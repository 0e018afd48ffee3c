namespace Etcd.Client;

/// <summary>
/// How a call is tried again. Reads are tried again after any lost connection and while the cluster has no leader; writes only
/// where it is certain that they were not carried out. The first attempt at each other endpoint comes without a pause.
/// </summary>
public sealed class EtcdRetryOptions
{
    /// <summary>Attempts after the first; 0 for none. The call's timeout may end them earlier. The default is 100.</summary>
    public int MaxRetries { get; set; } = 100;

    /// <summary>The first pause, once all endpoints have been tried. It doubles up to <see cref="MaxDelay"/>. The default is 25 ms.</summary>
    public TimeSpan BaseDelay { get; set; } = TimeSpan.FromMilliseconds(25);

    /// <summary>The longest pause. The default is one second.</summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Where there are several endpoints: how long a read waits for one of them before it tries the next. It doubles with each
    /// attempt. <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> to wait for the first for the whole time. The default is 5 seconds.
    /// </summary>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(5);

    internal EtcdRetryOptions Copy() => (EtcdRetryOptions)MemberwiseClone();

    internal void Check(List<string> problems)
    {
        if (MaxRetries < 0)
            problems.Add("Retry.MaxRetries must not be negative.");
        if (BaseDelay < TimeSpan.Zero || MaxDelay < BaseDelay || MaxDelay > TimeSpan.FromDays(1))
            problems.Add("Retry.BaseDelay must not be negative nor longer than Retry.MaxDelay, and that at most a day.");
        if (!EtcdClientOptions.IsTimeout(AttemptTimeout))
            problems.Add("Retry.AttemptTimeout must be positive, or infinite.");
    }
}
