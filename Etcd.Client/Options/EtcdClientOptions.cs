using System.Diagnostics.CodeAnalysis;

namespace Etcd.Client;

/// <summary>How a client connects and works. The client copies it when it is made; later changes have no effect on it.</summary>
/// <example>
/// <code>
/// var options = new EtcdClientOptions
/// {
///     Endpoints = { "https://etcd-0:2379", "https://etcd-1:2379", "https://etcd-2:2379" },
///     Username = "app",
///     Password = "secret",
///     Tls = new EtcdTlsOptions { CaFile = "/etc/etcd/ca.pem" },
/// };
/// await using var client = new EtcdClient(options);
/// </code>
/// </example>
public sealed class EtcdClientOptions
{
    /// <summary>
    /// The members' client addresses: http, https (or etcd, etcds), unix and unixs URIs, or host:port for http. Calls go to all in
    /// turn, and pass over those that fail.
    /// </summary>
    [SuppressMessage("Usage", "CA2227:Collection properties should be read only", Justification = "Options are bound from configuration.")]
    public IList<string> Endpoints { get; set; } = [];

    /// <summary>The user; needs <see cref="Password"/>. The client gets a token by them and a new one when it has run out.</summary>
    public string? Username { get; set; }

    /// <summary>The user's password.</summary>
    public string? Password { get; set; }

    /// <summary>A token to send as it is, such as a JWT; in place of <see cref="Username"/>.</summary>
    public string? Token { get; set; }

    /// <summary>
    /// Gives a token; in place of <see cref="Token"/>. Called before the first call, and again when a member has refused the last one.
    /// </summary>
    public Func<CancellationToken, ValueTask<string>>? TokenProvider { get; set; }

    /// <summary>
    /// A prefix of all keys. Requests get it in front, answers come without it: the client sees only what is below. None by default.
    /// </summary>
    public string? Namespace { get; set; }

    /// <summary>TLS for https endpoints; null for the system's authorities and no client certificate.</summary>
    public EtcdTlsOptions? Tls { get; set; }

    /// <summary>How long a call may take, all attempts together, where it does not say otherwise. The default is 15 seconds.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long one connection may take to be made. The default is 2 seconds.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long a connection with calls on it may be silent before it is pinged. Members close connections that ping more often than
    /// every 5 seconds, or than their --grpc-keepalive-min-time. <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> for no pings.
    /// The default is 10 seconds.
    /// </summary>
    public TimeSpan KeepAliveInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a ping may be unanswered before the connection counts as lost. The default is 5 seconds.</summary>
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How often the endpoints are replaced by the client URLs that the cluster's members advertise. Never by default: what a member
    /// advertises must be reachable from here.
    /// </summary>
    public TimeSpan? EndpointSyncInterval { get; set; }

    /// <summary>
    /// Whether a member that knows no leader refuses calls at once, so that they go to another. Watches and keep-alives always ask
    /// for that unless they say otherwise. False by default: a serializable read may be served by such a member.
    /// </summary>
    public bool RequireLeader { get; set; }

    /// <summary>The longest answer, in bytes; null (the default) for any.</summary>
    public int? MaxReceiveMessageSize { get; set; }

    /// <summary>How calls are tried again.</summary>
    public EtcdRetryOptions Retry { get; set; } = new();

    /// <summary>Events that a watch holds for a reader that is behind; see <see cref="EtcdWatchOptions.BufferEvents"/>.</summary>
    public int WatchBufferEvents { get; set; } = 8192;

    /// <summary>Bytes that a watch holds for a reader that is behind; see <see cref="EtcdWatchOptions.BufferBytes"/>.</summary>
    public long WatchBufferBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>The clock by which leases are renewed and lost, and pauses between attempts are made. The system's by default.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>
    /// Reads a connection string: <c>Endpoints=http://a:2379,http://b:2379;Username=..;Password=..;Namespace=..</c>, with keys as
    /// this type's properties are called, or a plain list of URIs, of which one may have user and password in it.
    /// </summary>
    /// <exception cref="FormatException">It has a key that does not exist, or a value that does not fit.</exception>
    public static EtcdClientOptions Parse(string connectionString) => ConnectionString.Parse(connectionString);

    /// <summary>
    /// Takes what a connection string says; see <see cref="Parse"/>. Its endpoints are added to those that are there.
    /// </summary>
    /// <exception cref="FormatException">It has a key that does not exist, or a value that does not fit.</exception>
    public void ApplyConnectionString(string connectionString) => ConnectionString.Apply(this, connectionString);

    /// <summary>Checks that the options make sense.</summary>
    /// <exception cref="ArgumentException">They do not; the message names everything that is wrong.</exception>
    public void Validate()
    {
        IReadOnlyList<string> problems = FindProblems();
        if (problems.Count != 0)
            throw new ArgumentException("The options of the etcd client are wrong: " + string.Join(" ", problems));
    }

    /// <summary>All that is wrong with the options; empty where nothing is.</summary>
    public IReadOnlyList<string> FindProblems()
    {
        var problems = new List<string>();
        if (Endpoints is null || Endpoints.Count == 0)
            problems.Add("Endpoints is empty: name at least one, such as http://localhost:2379.");
        foreach (string endpoint in Endpoints ?? [])
            if (!EndpointAddress.TryParse(endpoint, out _))
                problems.Add($"Endpoints has '{endpoint}', which is neither an http, https, unix or unixs URI nor host:port.");
        CheckCredentials(problems);
        CheckTimes(problems);
        if (WatchBufferEvents < 1 || WatchBufferBytes < 1)
            problems.Add("WatchBufferEvents and WatchBufferBytes must be positive.");
        if (MaxReceiveMessageSize is < 1)
            problems.Add("MaxReceiveMessageSize must be positive.");
        if (TimeProvider is null)
            problems.Add("TimeProvider is null.");
        if (Retry is null)
            problems.Add("Retry is null.");
        Retry?.Check(problems);
        Tls?.Check(problems);
        return problems;
    }

    internal static bool IsTimeout(TimeSpan value) => value > TimeSpan.Zero || value == System.Threading.Timeout.InfiniteTimeSpan;

    internal EtcdClientOptions Copy()
    {
        var copy = (EtcdClientOptions)MemberwiseClone();
        copy.Endpoints = [.. Endpoints];
        copy.Retry = Retry.Copy();
        copy.Tls = Tls?.Copy();
        return copy;
    }

    private void CheckCredentials(List<string> problems)
    {
        if (Username is null != Password is null)
            problems.Add("Username and Password belong together: set both or neither.");
        if (Username is { Length: 0 })
            problems.Add("Username is empty.");
        int ways = (Username is null ? 0 : 1) + (Token is null ? 0 : 1) + (TokenProvider is null ? 0 : 1);
        if (ways > 1)
            problems.Add("Username, Token and TokenProvider are ways to the same end: set one of them.");
    }

    private void CheckTimes(List<string> problems)
    {
        if (!IsTimeout(Timeout))
            problems.Add("Timeout must be positive, or infinite.");
        if (!IsTimeout(ConnectTimeout))
            problems.Add("ConnectTimeout must be positive, or infinite.");
        if (KeepAliveInterval != System.Threading.Timeout.InfiniteTimeSpan && KeepAliveInterval < TimeSpan.FromSeconds(1))
            problems.Add("KeepAliveInterval must be at least a second, or infinite.");
        if (KeepAliveTimeout < TimeSpan.FromSeconds(1))
            problems.Add("KeepAliveTimeout must be at least a second.");
        if (EndpointSyncInterval is { } interval && interval < TimeSpan.FromSeconds(1))
            problems.Add("EndpointSyncInterval must be at least a second.");
    }
}
