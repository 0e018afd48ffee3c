using Etcd.Server.Primitives;
using Grpc.Core;

namespace Etcd.Server.Api.Metrics;

/// <summary>
/// What is counted of one gRPC method, under the names of go-grpc-middleware. Any thread. A unary call has one message in each
/// direction, whatever becomes of it, so that those need not be counted.
/// </summary>
internal sealed class MethodFigures
{
    // prometheus.DefBuckets.
    private static readonly double[] Bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly Tally _ok = new();
    private readonly long[] _failed = new long[(int)StatusCode.Unauthenticated + 1];
    private readonly Tally _received = new();
    private readonly Tally _sent = new();

    /// <summary>Nothing yet.</summary>
    /// <param name="method">The method.</param>
    /// <param name="isTimed">Whether the durations of calls are counted (--metrics extensive).</param>
    public MethodFigures(IMethod method, bool isTimed)
    {
        Service = method.ServiceName;
        Method = method.Name;
        IsUnary = method.Type == MethodType.Unary;
        Type = method.Type switch
        {
            MethodType.Unary => "unary",
            MethodType.ClientStreaming => "client_stream",
            MethodType.ServerStreaming => "server_stream",
            _ => "bidi_stream",
        };
        Durations = isTimed ? new DurationHistogram(Bounds) : null;
    }

    /// <summary>The service's full name.</summary>
    public string Service { get; }

    /// <summary>The method's name.</summary>
    public string Method { get; }

    /// <summary>The kind of call, as the label grpc_type has it.</summary>
    public string Type { get; }

    /// <summary>Whether a call has one request and one response.</summary>
    public bool IsUnary { get; }

    /// <summary>grpc_server_started_total.</summary>
    public Tally Started { get; } = new();

    /// <summary>grpc_server_handling_seconds; null if it is not wanted.</summary>
    public DurationHistogram? Durations { get; }

    /// <summary>grpc_server_msg_received_total.</summary>
    public long Received => IsUnary ? Started.Value : _received.Value;

    /// <summary>grpc_server_msg_sent_total.</summary>
    public long Sent => IsUnary ? _ok.Value + _failed.Sum() : _sent.Value;

    /// <summary>grpc_server_handled_total.</summary>
    public long Handled(StatusCode code) => code == StatusCode.OK ? _ok.Value : Volatile.Read(ref _failed[(int)code]);

    /// <summary>A stream's message came in.</summary>
    public void CountReceived() => _received.Add();

    /// <summary>A stream's message went out.</summary>
    public void CountSent() => _sent.Add();

    /// <summary>Some of a stream's messages went out.</summary>
    /// <param name="count">How many.</param>
    public void CountSent(int count) => _sent.Add(count);

    /// <summary>A call has ended.</summary>
    /// <param name="code">How.</param>
    public void CountHandled(StatusCode code)
    {
        if (code == StatusCode.OK)
        {
            _ok.Add();
        }
        else
        {
            Interlocked.Increment(ref _failed[(uint)code < (uint)_failed.Length ? (int)code : (int)StatusCode.Unknown]);
        }
    }
}
