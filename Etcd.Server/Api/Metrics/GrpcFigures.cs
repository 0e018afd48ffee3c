using System.Collections.Concurrent;
using Etcd.Server.Primitives;
using Grpc.Core;

namespace Etcd.Server.Api.Metrics;

/// <summary>What is counted of gRPC calls, whatever port they come by. Any thread.</summary>
/// <param name="isExtensive">Whether the durations of calls are counted (--metrics extensive).</param>
public sealed class GrpcFigures(bool isExtensive)
{
    // A client may say whatever it likes to be.
    private const int VersionsMax = 64;
    private const int VersionLengthMax = 32;
    private const string UnknownVersion = "unknown";

    private readonly ConcurrentDictionary<string, MethodFigures> _methods = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(bool IsUnary, string Version), Tally> _clients = new();
    private readonly ConcurrentDictionary<(string Direction, string Api), Tally> _streamFailures = new();

    // Most clients do not say their version; those are not looked for in the dictionary each time.
    private Tally? _unsaidUnary;
    private Tally? _unsaidStreams;

    /// <summary>etcd_network_client_grpc_received_bytes_total: messages, without their framing.</summary>
    public Tally ReceivedBytes { get; } = new();

    /// <summary>etcd_network_client_grpc_sent_bytes_total.</summary>
    public Tally SentBytes { get; } = new();

    /// <summary>etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds.</summary>
    public DurationHistogram WatchSends { get; } = new(0.001, 14);

    /// <summary>etcd_debugging_server_watch_send_loop_watch_stream_duration_per_event_seconds.</summary>
    public DurationHistogram WatchSendsPerEvent { get; } = new(0.001, 14);

    /// <summary>etcd_debugging_server_watch_send_loop_control_stream_duration_seconds.</summary>
    public DurationHistogram WatchControlSends { get; } = new(0.001, 14);

    /// <summary>etcd_debugging_server_watch_send_loop_progress_duration_seconds.</summary>
    public DurationHistogram WatchProgressSends { get; } = new(0.001, 14);

    /// <summary>The methods that are served.</summary>
    internal IEnumerable<MethodFigures> Methods => _methods.Values;

    /// <summary>etcd_server_client_requests_total.</summary>
    internal IEnumerable<KeyValuePair<(bool IsUnary, string Version), Tally>> Clients => _clients;

    /// <summary>etcd_network_server_stream_failures_total.</summary>
    internal IEnumerable<KeyValuePair<(string Direction, string Api), Tally>> StreamFailures => _streamFailures;

    /// <summary>The figures of a method.</summary>
    /// <param name="method">The method.</param>
    internal MethodFigures Of(IMethod method) => _methods.GetOrAdd(
        method.FullName, static (_, made) => new MethodFigures(made.method, made.isExtensive), (method, isExtensive));

    /// <summary>The figures of a method by its path; null if it is not served.</summary>
    /// <param name="path">The path.</param>
    internal MethodFigures? Of(string path) => _methods.GetValueOrDefault(path);

    /// <summary>Counts a client's call.</summary>
    /// <param name="isUnary">Whether it is no stream.</param>
    /// <param name="version">The version that the client says; null if it does not.</param>
    internal void CountClient(bool isUnary, string? version)
    {
        Tally tally = version is not null ? Client(isUnary, version)
            : isUnary ? _unsaidUnary ??= Client(isUnary, UnknownVersion)
            : _unsaidStreams ??= Client(isUnary, UnknownVersion);
        tally.Add();
    }

    /// <summary>Counts a stream that broke, though its client did not end it.</summary>
    /// <param name="direction">receive or send.</param>
    /// <param name="api">watch or lease-keepalive.</param>
    internal void CountStreamFailure(string direction, string api) => _streamFailures.GetOrAdd((direction, api), static _ => new Tally()).Add();

    private Tally Client(bool isUnary, string version)
    {
        (bool, string) key = (isUnary, version.Length <= VersionLengthMax ? version : UnknownVersion);
        if (_clients.TryGetValue(key, out Tally? tally))
        {
            return tally;
        }

        key = _clients.Count < VersionsMax ? key : (isUnary, UnknownVersion);
        return _clients.GetOrAdd(key, static _ => new Tally());
    }
}
