using Etcd.Server.Peer.Codec;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Peer;

/// <summary>The ways of a message to one other member.</summary>
internal enum PeerChannel
{
    /// <summary>None: the message was dropped, which the peer's unreachability tells raft.</summary>
    Dropped,

    /// <summary>The stream that the other member has opened for a leader's entries.</summary>
    MsgApp,

    /// <summary>The stream that it has opened for all else.</summary>
    Message,

    /// <summary>A request of its own.</summary>
    Pipeline,
}

/// <summary>
/// What waits to be sent to one other member, and which way it goes: a leader's entries on their stream, all else (entries,
/// too, if their stream is not open) on the message stream, and by single requests while no stream is open. Bounded: what
/// does not fit is dropped. A message is encoded when it is added, so nothing of the caller's is kept. Any thread.
/// </summary>
internal sealed class PeerOutbox : IDisposable
{
    /// <summary>What waits for the stream of entries.</summary>
    public StreamOutbox MsgApp { get; } = new(StreamKind.MsgApp);

    /// <summary>What waits for the stream of all else.</summary>
    public StreamOutbox Message { get; } = new(StreamKind.Message);

    /// <summary>What waits to be sent one by one.</summary>
    public PipelineOutbox Pipeline { get; } = new();

    /// <summary>Of a kind of stream.</summary>
    public StreamOutbox this[StreamKind kind] => kind == StreamKind.MsgApp ? MsgApp : Message;

    /// <summary>Adds a message to the queue of its channel.</summary>
    public PeerChannel Add(in Message message)
    {
        if (message.Type == MessageType.App && MsgApp.Add(message) is var first and not AddResult.NotAttached)
        {
            return first == AddResult.Added ? PeerChannel.MsgApp : PeerChannel.Dropped;
        }

        return Message.Add(message) switch
        {
            AddResult.Added => PeerChannel.Message,
            AddResult.Full => PeerChannel.Dropped,
            _ => Pipeline.Add(message) ? PeerChannel.Pipeline : PeerChannel.Dropped,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        MsgApp.Dispose();
        Message.Dispose();
        Pipeline.Clear();
    }
}

/// <summary>What became of an addition.</summary>
internal enum AddResult
{
    /// <summary>It waits.</summary>
    Added,

    /// <summary>There is no room.</summary>
    Full,

    /// <summary>The stream is not open.</summary>
    NotAttached,
}

/// <summary>
/// The queue of one stream: bytes, encoded in the stream's form, of which the writer takes all at once. It lives as long as the
/// peer; each connection attaches to it in turn and takes the place of the one before. Any thread.
/// </summary>
internal sealed class StreamOutbox(StreamKind kind) : IDisposable
{
    private readonly Lock _gate = new();
    private SendBuffer _filling = new();
    private IStreamEncoder? _encoder;
    private int _messages;
    private int _connection;

    /// <summary>Whether a connection is there.</summary>
    public bool IsAttached
    {
        get
        {
            lock (_gate)
            {
                return _encoder is not null;
            }
        }
    }

    /// <summary>A new connection begins: its form starts anew.</summary>
    /// <param name="lost">Whether messages waited for the connection before it, which are lost.</param>
    /// <returns>The connection's number.</returns>
    public int Attach(out bool lost)
    {
        lock (_gate)
        {
            lost = Reset();
            _encoder = kind == StreamKind.MsgApp ? new MsgAppStreamEncoder() : new MessageStreamEncoder();
            return ++_connection;
        }
    }

    /// <summary>A connection has ended. Of no effect if another has taken its place.</summary>
    /// <param name="connection">Its number.</param>
    /// <param name="lost">Whether messages waited for it.</param>
    /// <returns>Whether it was the current one.</returns>
    public bool Detach(int connection, out bool lost)
    {
        lock (_gate)
        {
            lost = false;
            if (connection != _connection || _encoder is null)
            {
                return false;
            }

            lost = Reset();
            return true;
        }
    }

    /// <summary>Adds a message.</summary>
    public AddResult Add(in Message message)
    {
        lock (_gate)
        {
            if (_encoder is null)
            {
                return AddResult.NotAttached;
            }

            if (_messages >= Limits.PeerStreamMessagesMax
                || (_messages > 0 && _filling.Length + (long)MessageCodec.Size(message) > Limits.PeerStreamBytesMax))
            {
                return AddResult.Full;
            }

            _encoder.Encode(message, _filling);
            _messages++;
            return AddResult.Added;
        }
    }

    /// <summary>Adds a sign of life.</summary>
    /// <param name="connection">For which connection.</param>
    public void AddHeartbeat(int connection)
    {
        lock (_gate)
        {
            if (connection == _connection)
            {
                _encoder?.EncodeHeartbeat(_filling);
            }
        }
    }

    /// <summary>Takes all that waits.</summary>
    /// <param name="connection">Who takes it.</param>
    /// <param name="spare">An empty buffer in exchange; afterwards what was taken.</param>
    /// <returns>False if nothing waits, or another connection has taken this one's place.</returns>
    public bool Take(int connection, ref SendBuffer spare)
    {
        lock (_gate)
        {
            if (connection != _connection || _encoder is null || _filling.Length == 0)
            {
                return false;
            }

            (spare, _filling) = (_filling, spare);
            _messages = 0;
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            Reset();
            _connection++;
            _filling.Dispose();
        }
    }

    private bool Reset()
    {
        bool lost = _messages > 0;
        _filling.Clear();
        _messages = 0;
        _encoder = null;
        return lost;
    }
}

/// <summary>A message that is sent as a request of its own.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Bytes">It, encoded.</param>
internal readonly record struct PipelineItem(MessageType Type, byte[] Bytes);

/// <summary>The queue of messages that are sent one by one. Any thread.</summary>
internal sealed class PipelineOutbox
{
    private readonly Lock _gate = new();
    private readonly Queue<PipelineItem> _items = new();
    private long _bytes;

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _items.Count == 0;
            }
        }
    }

    /// <summary>Adds a message; false if there is no room.</summary>
    public bool Add(in Message message)
    {
        int size = MessageCodec.Size(message);
        lock (_gate)
        {
            if (_items.Count >= Limits.PeerPipelineMessagesMax || (_items.Count > 0 && _bytes + size > Limits.PeerPipelineBytesMax))
            {
                return false;
            }

            var bytes = new byte[size];
            MessageCodec.Write(bytes, message);
            _items.Enqueue(new PipelineItem(message.Type, bytes));
            _bytes += size;
            return true;
        }
    }

    /// <summary>Takes the oldest; false if there is none.</summary>
    public bool Take(out PipelineItem item)
    {
        lock (_gate)
        {
            if (!_items.TryDequeue(out item))
            {
                return false;
            }

            _bytes -= item.Bytes.Length;
            return true;
        }
    }

    /// <summary>Forgets all; what waited for a peer that cannot be reached is too old when it can. Returns how many there were.</summary>
    public int Clear()
    {
        lock (_gate)
        {
            int count = _items.Count;
            _items.Clear();
            _bytes = 0;
            return count;
        }
    }
}
