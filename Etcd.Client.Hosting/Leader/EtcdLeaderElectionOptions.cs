namespace Etcd.Client.Hosting;

/// <summary>How an instance takes part in an election.</summary>
public sealed class EtcdLeaderElectionOptions
{
    /// <summary>What this instance says of itself when it leads. The machine's name and the process's id by default.</summary>
    public string Candidate { get; set; } = $"{Environment.MachineName}/{Environment.ProcessId}";

    /// <summary>
    /// How long others wait for a leader that died, and how long a leader that is cut off leads on. In whole seconds; the default is 15.
    /// </summary>
    public TimeSpan TimeToLive { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long services get for their stop: where no renewal succeeds they are told to stop that long before the leadership can be lost.
    /// The default is 5 seconds. It must leave room for renewals, which come after each third of <see cref="TimeToLive"/>: at most half of it.
    /// </summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long to wait after a failure before the next candidacy. The default is one second.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The key of the client to use; null for the client without one.</summary>
    public string? ClientKey { get; set; }
}
