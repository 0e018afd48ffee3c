using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Client;

/// <summary>
/// One endpoint: its channel, and what the last calls showed of its health. Safe for concurrent use. It is disposed of once it is
/// out of use and its last call has ended.
/// </summary>
internal sealed class Endpoint
{
    private static readonly TimeSpan FirstPenalty = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPenalty = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly GrpcChannel _channel;
    private long _avoidUntil;
    private int _failures;
    private int _users = 1;

    public Endpoint(EndpointAddress address, GrpcChannel channel, TimeProvider time)
    {
        Address = address;
        _channel = channel;
        _time = time;
        Invoker = channel.CreateCallInvoker();
        ServerPort = address.SocketPath is null ? address.Uri.Port : null;
    }

    public EndpointAddress Address { get; }

    public CallInvoker Invoker { get; }

    /// <summary>The host, or the file of the Unix socket, as telemetry names it.</summary>
    public string ServerAddress => Address.SocketPath ?? Address.Uri.Host;

    /// <summary>The port as telemetry names it, boxed once.</summary>
    public object? ServerPort { get; }

    /// <summary>When it may be tried again, as a timestamp of the clock; what is past is healthy.</summary>
    public long AvoidUntil => Volatile.Read(ref _avoidUntil);

    /// <summary>Whether RangeStream is known to be missing there: 3.6 and older.</summary>
    public bool LacksRangeStream { get; set; }

    /// <summary>A call starts: the channel stays until <see cref="Leave"/>. False where it is gone.</summary>
    public bool TryEnter()
    {
        int users = Volatile.Read(ref _users);
        while (users != 0)
        {
            int seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
                return true;
            users = seen;
        }

        return false;
    }

    /// <summary>A call has ended, or the pool lets go.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            _channel.Dispose();
    }

    /// <summary>Ends what runs; for the client's own end.</summary>
    public void Abort() => _channel.Dispose();

    public void Succeeded()
    {
        if (Volatile.Read(ref _failures) != 0)
        {
            Volatile.Write(ref _failures, 0);
            Volatile.Write(ref _avoidUntil, 0);
        }
    }

    /// <summary>A call found nobody there, or nobody who could serve it. Other endpoints are used for a while.</summary>
    public void Failed()
    {
        int failures = Math.Min(Interlocked.Increment(ref _failures), 10);
        TimeSpan penalty = FirstPenalty * Math.Pow(2, failures - 1);
        if (penalty > LongestPenalty)
            penalty = LongestPenalty;
        Volatile.Write(ref _avoidUntil, _time.GetTimestamp() + (long)(penalty.TotalSeconds * _time.TimestampFrequency));
    }
}
