using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Etcd.Grpc.Tests.Server;

/// <summary>An HTTP/2 connection written frame by frame, for what no client library would send.</summary>
internal sealed class RawConnection : IAsyncDisposable
{
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte RstStream = 3;
    public const byte Settings = 4;
    public const byte GoAway = 7;
    public const byte WindowUpdate = 8;
    public const byte Continuation = 9;

    public const byte EndStream = 1;
    public const byte EndHeaders = 4;

    private readonly NetworkStream _stream;

    private RawConnection(NetworkStream stream) => _stream = stream;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<RawConnection> OpenAsync(TestHost host)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(host.Address.Host, host.Address.Port, Cancellation);
        var connection = new RawConnection(new NetworkStream(socket, ownsSocket: true));
        await connection.SendBytesAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        await connection.SendAsync(Settings, 0, 0, []);
        return connection;
    }

    /// <summary>The header block of a call, each field a literal that is not indexed.</summary>
    public static byte[] CallHeaders(string method, params (string Name, string Value)[] more)
    {
        using var block = new MemoryStream();
        foreach (var (name, value) in ((string, string)[])
            [(":method", "POST"), (":scheme", "http"), (":path", "/test.Blobs/" + method), (":authority", "x"), ("content-type", "application/grpc"), ("te", "trailers"), .. more])
        {
            block.WriteByte(0);
            Write(block, name);
            Write(block, value);
        }

        return block.ToArray();
    }

    public Task SendAsync(byte type, byte flags, int streamId, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        frame[1] = (byte)(payload.Length >> 8);
        frame[2] = (byte)payload.Length;
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), streamId);
        payload.CopyTo(frame, 9);
        return SendBytesAsync(frame);
    }

    public Task SendBytesAsync(byte[] bytes) => _stream.WriteAsync(bytes, Cancellation).AsTask();

    /// <summary>The next frame that is none of SETTINGS, WINDOW_UPDATE and PING.</summary>
    public async Task<(byte Type, byte Flags, int StreamId, byte[] Payload)> ReceiveAsync()
    {
        while (true)
        {
            var header = new byte[9];
            await _stream.ReadExactlyAsync(header, Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
            var payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
            await _stream.ReadExactlyAsync(payload, Cancellation);
            if (header[3] is not (Settings or WindowUpdate or 6))
            {
                return (header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)) & int.MaxValue, payload);
            }
        }
    }

    /// <summary>Waits for the end of the connection and gives GOAWAY's code, or null if there was none.</summary>
    public async Task<uint?> GoAwayCodeAsync()
    {
        uint? code = null;
        try
        {
            while (true)
            {
                var (type, _, _, payload) = await ReceiveAsync();
                code = type == GoAway ? BinaryPrimitives.ReadUInt32BigEndian(payload.AsSpan(4)) : code;
            }
        }
        catch (IOException)
        {
            return code;
        }
    }

    /// <summary>The client is gone without a word.</summary>
    public void Vanish()
    {
        _stream.Socket.LingerState = new LingerOption(true, 0);
        _stream.Close();
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static void Write(MemoryStream block, string text)
    {
        block.WriteByte((byte)text.Length);
        block.Write(Encoding.ASCII.GetBytes(text));
    }
}
