namespace Etcd.Client;

/// <summary>What any call may be told.</summary>
public record EtcdCallOptions
{
    /// <summary>
    /// How long the call may take, all attempts together. Null for the client's <see cref="EtcdClientOptions.Timeout"/>;
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> for as long as it takes.
    /// </summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>
    /// Whether a member that knows no leader refuses the call at once. Null for the client's
    /// <see cref="EtcdClientOptions.RequireLeader"/>.
    /// </summary>
    public bool? RequireLeader { get; init; }
}
