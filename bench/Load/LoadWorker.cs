using System.Diagnostics;
using System.Net.Sockets;
using Etcd.Bench.Http2;

namespace Etcd.Bench.Load;

/// <summary>
/// One thread with its share of the connections and clients: it waits for answers, counts them, writes the next
/// requests, and sends what has collected on a connection with one call. Only <see cref="Phase"/> is written, and
/// only <see cref="Running"/>, <see cref="Ended"/> and <see cref="CallsDone"/> are read from outside while it runs.
/// </summary>
internal sealed class LoadWorker : ICallObserver, IDisposable
{
    private static readonly TimeSpan ConnectDeadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DrainDeadline = TimeSpan.FromSeconds(10);

    // How soon a thread without any answer notices that the phase has changed.
    private static readonly TimeSpan WaitMax = TimeSpan.FromMilliseconds(20);

    private readonly LoadOptions _options;
    private readonly Workload _workload;
    private readonly int _index;
    private readonly int _stride;
    private readonly int _connectionCount;
    private readonly int _clientCount;
    private readonly Epoll _epoll = new();
    private readonly List<LoadConnection> _connections = [];
    private readonly Stack<ClientCall> _idle = new();
    private readonly ArrivalSchedule? _arrivals;
    private readonly Thread _thread;

    private long _sequence;
    private long _now;
    private int _callsInFlight;
    private long _callsDone;
    private volatile LoadPhase _phase;
    private volatile bool _running;
    private volatile bool _ended;

    public LoadWorker(LoadOptions options, int index, int count)
    {
        _options = options;
        _workload = Workload.Create(options);
        _index = index;
        _stride = count;
        _sequence = index;
        _connectionCount = Share(options.ConnectionCount, index, count);
        _clientCount = Share(options.Clients, index, count);
        if (options.Rate > 0)
            _arrivals = new ArrivalSchedule(options.Rate / count);
        _thread = new Thread(Run) { IsBackground = true, Name = $"load {index}" };
    }

    public LatencyHistogram Latency { get; } = new();

    public ErrorTally Errors { get; } = new();

    public LoadPhase Phase
    {
        get => _phase;
        set => _phase = value;
    }

    /// <summary>All connections are up and the load flows.</summary>
    public bool Running => _running;

    /// <summary>The thread has nothing more to do: it drained, or no connection is left.</summary>
    public bool Ended => _ended;

    /// <summary>Calls that ended well since the start, ramp included.</summary>
    public long CallsDone => Volatile.Read(ref _callsDone);

    public void Start() => _thread.Start();

    public void Join() => _thread.Join();

    public void OnCompleted(Call call, string? error)
    {
        _callsInFlight--;
        if (error is not null)
        {
            Errors.Add(error);
        }
        else
        {
            Volatile.Write(ref _callsDone, _callsDone + 1);
            if (_phase == LoadPhase.Measuring)
                Latency.Record(ToNanoseconds(_now - call.StartedAt));
        }
        Next((ClientCall)call);
    }

    public void Dispose()
    {
        foreach (LoadConnection connection in _connections)
            connection.Dispose();
        _epoll.Dispose();
    }

    private void Run()
    {
        try
        {
            Connect();
            StartClients();
            _running = true;
            Pump();
        }
        catch (Exception exception) when (exception is SocketException or TimeoutException or IOException)
        {
            Errors.Add(exception.Message);
        }
        finally
        {
            _ended = true;
        }
    }

    private void Connect()
    {
        for (int i = 0; i < _connectionCount; i++)
        {
            // Counted over all threads, so that each server gets its share of the connections.
            int port = _options.Ports[((i * _stride) + _index) % _options.Ports.Count];
            var headers = new RequestHeaders($"{_options.Host}:{port}", _workload.Path);
            var connection = new LoadConnection(_options.Host, port, _epoll, i, new Http2Session(headers, this));
            _connections.Add(connection);
            connection.Session.Start();
            connection.Flush();
        }
        long deadline = Stopwatch.GetTimestamp() + ToTicks(ConnectDeadline);
        while (!_connections.TrueForAll(connection => connection.Session.Ready))
        {
            if (Stopwatch.GetTimestamp() > deadline)
                throw new TimeoutException("the server did not send its HTTP/2 settings");
            if (_connections.Exists(connection => connection.Closed))
                throw new IOException("the server closed a connection before any call");
            ReceiveReady(WaitMax);
        }
    }

    private void StartClients()
    {
        _now = Stopwatch.GetTimestamp();
        _arrivals?.Start(_now);
        for (int i = 0; i < _clientCount; i++)
        {
            var call = new ClientCall(_connections[i % _connections.Count])
            {
                Message = _workload.CreateMessage(),
                ResponseBytesMin = _workload.ResponseBytesMin,
            };
            Next(call);
        }
    }

    private void Pump()
    {
        long drainDeadline = long.MaxValue;
        while (true)
        {
            DispatchArrivals();
            foreach (LoadConnection connection in _connections)
                connection.Flush();
            if (_connections.TrueForAll(connection => connection.Closed))
                return;
            if (_phase == LoadPhase.Draining)
            {
                if (_callsInFlight == 0)
                    return;
                if (drainDeadline == long.MaxValue)
                    drainDeadline = _now + ToTicks(DrainDeadline);
                if (_now > drainDeadline)
                {
                    Errors.Add("no answer before the end of the run", _callsInFlight);
                    return;
                }
            }
            ReceiveReady(WaitTime());
        }
    }

    private void ReceiveReady(TimeSpan timeout)
    {
        int count = _epoll.Wait(timeout);
        _now = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            LoadConnection connection = _connections[_epoll.ReadyId(i)];
            connection.Receive();
        }
    }

    private TimeSpan WaitTime()
    {
        if (_arrivals is null || _idle.Count == 0 || _phase == LoadPhase.Draining)
            return WaitMax;
        long ticks = Math.Max(0, _arrivals.Next - Stopwatch.GetTimestamp());
        TimeSpan time = Stopwatch.GetElapsedTime(0, ticks);
        return time < WaitMax ? time : WaitMax;
    }

    // In a closed loop a client calls again at once; in an open one it waits for the next arrival.
    private void Next(ClientCall call)
    {
        if (_phase == LoadPhase.Draining || call.Connection.Closed || call.Connection.Session.Draining)
            return;
        if (_arrivals is not null)
            _idle.Push(call);
        else if (_options.CallsMax == 0 || _sequence < _options.CallsMax)
            Submit(call, _now);
    }

    private void DispatchArrivals()
    {
        if (_arrivals is null || _phase == LoadPhase.Draining)
            return;
        _now = Stopwatch.GetTimestamp();
        while (_arrivals.Next <= _now && _idle.TryPop(out ClientCall? call))
        {
            // An arrival that found every client busy has waited since its time, and that counts.
            if (!call.Connection.Closed)
                Submit(call, _arrivals.Take());
        }
    }

    private void Submit(ClientCall call, long startedAt)
    {
        call.StartedAt = startedAt;
        _workload.SetKey(call.Message, _sequence);
        _sequence += _stride;
        _callsInFlight++;
        call.Connection.Session.Submit(call);
    }

    private static int Share(int total, int index, int count) => (total / count) + (index < total % count ? 1 : 0);

    private static long ToTicks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    private static long ToNanoseconds(long ticks) =>
        Stopwatch.Frequency == 1_000_000_000 ? ticks : (long)(ticks * (1e9 / Stopwatch.Frequency));
}
