using System.Net.Sockets;
using Etcd.Bench.Http2;

namespace Etcd.Bench.Load;

/// <summary>A socket and the HTTP/2 session on it. Used by its worker's thread only.</summary>
internal sealed class LoadConnection : IDisposable
{
    private const int ReceiveBytesMin = 32 * 1024;

    private readonly Epoll _epoll;
    private readonly int _id;
    private readonly Socket _socket;
    private readonly int _handle;
    private bool _waitsForRoom;

    public LoadConnection(string host, int port, Epoll epoll, int id, Http2Session session)
    {
        _epoll = epoll;
        _id = id;
        Session = session;
        _socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            _socket.Connect(host, port);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
        _socket.Blocking = false;
        _handle = (int)_socket.Handle;
        epoll.Register(_handle, id);
    }

    public Http2Session Session { get; }

    public bool Closed { get; private set; }

    /// <summary>Takes what has arrived and handles it. A lost connection fails its calls.</summary>
    public void Receive()
    {
        try
        {
            while (!Closed && ReceiveOnce())
            {
            }
        }
        catch (Http2ProtocolException exception)
        {
            Close(exception.Message);
        }
    }

    /// <summary>Sends what has collected; what the socket does not take waits for its next turn.</summary>
    public void Flush()
    {
        ByteBuffer output = Session.Output;
        while (!Closed && output.Length > 0)
        {
            int count = _socket.Send(output.Written, SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
                break;
            if (error != SocketError.Success)
            {
                Close($"send: {error}");
                return;
            }
            output.Consume(count);
        }
        WatchRoom(!Closed && output.Length > 0);
    }

    public void Close(string reason)
    {
        if (Closed)
            return;
        Closed = true;
        _socket.Dispose();
        Session.Abort(reason);
    }

    public void Dispose()
    {
        Closed = true;
        _socket.Dispose();
    }

    // True while the buffer was filled to the brim, so that more may be there.
    private bool ReceiveOnce()
    {
        Span<byte> room = Session.Input.Reserve(ReceiveBytesMin);
        int count = _socket.Receive(room, SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
            return false;
        if (error != SocketError.Success || count == 0)
        {
            Close(error == SocketError.Success ? "the server closed the connection" : $"receive: {error}");
            return false;
        }
        Session.Input.Commit(count);
        Session.Process();
        return count == room.Length;
    }

    private void WatchRoom(bool wanted)
    {
        if (wanted == _waitsForRoom)
            return;
        _waitsForRoom = wanted;
        _epoll.Watch(_handle, _id, wanted);
    }
}
