namespace Etcd.Bench.Http2;

/// <summary>
/// The client's side of one HTTP/2 connection, without the socket: bytes that were received go into
/// <see cref="Input"/> and are handled by <see cref="Process"/>, bytes to send collect in <see cref="Output"/>.
/// One thread drives it. Throws <see cref="Http2ProtocolException"/> where the server breaks the protocol; the session
/// is then over, and <see cref="Abort"/> fails its calls.
/// </summary>
internal sealed partial class Http2Session(RequestHeaders headers, ICallObserver observer)
{
    private const int InitialWindow = 65_535;
    private const int FrameBytesMax = 16_384;
    private const int StreamIdMax = int.MaxValue - 2;

    // Windows so large that the server never waits for them: the load must measure the server, not the flow control.
    private const int ReceiveWindow = int.MaxValue;
    private const int ReceiveWindowRefill = 1 << 24;

    private readonly Dictionary<int, Call> _calls = [];
    private readonly Queue<Call> _waiting = new();
    private int _nextStreamId = 1;
    private long _sendWindow = InitialWindow;
    private int _consumed;
    private bool _headersSent;

    public ByteBuffer Input { get; } = new(64 * 1024);

    public ByteBuffer Output { get; } = new(64 * 1024);

    /// <summary>The server's settings have arrived: only then is it known what a request may look like.</summary>
    public bool Ready { get; private set; }

    /// <summary>The server sent GOAWAY or the stream ids ran out: no new call starts here.</summary>
    public bool Draining { get; private set; }

    public int CallsInFlight => _calls.Count + _waiting.Count;

    public void Start()
    {
        Output.Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        WriteSettings();
        WriteWindowUpdate(ReceiveWindow - InitialWindow);
    }

    /// <summary>Starts the call, or queues it until the server's limits let it through.</summary>
    public void Submit(Call call)
    {
        call.StreamId = 0;
        if (Draining)
        {
            observer.OnCompleted(call, "the connection accepts no more calls");
            return;
        }
        if (_waiting.Count > 0 || !TrySend(call))
            _waiting.Enqueue(call);
    }

    /// <summary>Fails every call: the connection is gone.</summary>
    public void Abort(string reason)
    {
        Draining = true;
        Call[] calls = [.. _calls.Values.Concat(_waiting).Distinct()];
        _calls.Clear();
        _waiting.Clear();
        foreach (Call call in calls)
            observer.OnCompleted(call, reason);
    }

    private void SendWaiting()
    {
        while (_waiting.TryPeek(out Call? call))
        {
            // A stream that was reset while part of its message waited.
            bool gone = call.StreamId != 0 && !_calls.ContainsKey(call.StreamId);
            if (!gone && !TrySend(call))
                return;
            _waiting.Dequeue();
        }
    }

    /// <summary>Sends as much of the call as the windows allow; true once all of it is in the output.</summary>
    private bool TrySend(Call call)
    {
        if (call.StreamId == 0)
        {
            if (!Ready || _calls.Count >= _streamsMax)
                return false;
            Open(call);
        }
        while (call.Sent < call.Message.Length)
        {
            long window = Math.Min(_sendWindow, call.SendWindow);
            int length = (int)Math.Min(Math.Min(call.Message.Length - call.Sent, _frameBytesMax), window);
            if (length <= 0)
                return false;
            WriteData(call, length);
        }
        return true;
    }

    private void Open(Call call)
    {
        call.Begin(_nextStreamId, _initialSendWindow);
        _calls.Add(_nextStreamId, call);
        WriteHeaders(_nextStreamId);
        Draining |= _nextStreamId >= StreamIdMax;
        _nextStreamId += 2;
    }

    private void Complete(Call call, string? error)
    {
        _calls.Remove(call.StreamId);
        observer.OnCompleted(call, error);
    }
}
