using System.Net.Sockets;

namespace Etcd.TestKit.Network;

/// <summary>One connection through a <see cref="FaultProxy"/>.</summary>
internal sealed class ProxyLink(FaultProxy proxy, Socket client, Socket server, long? resetAfter) : IDisposable
{
    private const int BufferBytes = 16 * 1024;

    private readonly CancellationTokenSource _ended = new();
    private int _isEnded;

    public volatile bool LosesBytes;

    public async Task RunAsync()
    {
        Task up = PumpAsync(client, server, proxy.ToServer, null);
        Task down = PumpAsync(server, client, proxy.ToClient, resetAfter);
        await Task.WhenAll(up, down);
        End(reset: false);
    }

    public void End(bool reset)
    {
        if (Interlocked.Exchange(ref _isEnded, 1) != 0)
        {
            return;
        }

        _ended.Cancel();
        Close(client, reset);
        Close(server, reset);
        proxy.Remove(this);
    }

    public void Dispose()
    {
        End(reset: true);
        _ended.Dispose();
    }

    private static void Close(Socket socket, bool reset)
    {
        if (reset && socket.Connected)
        {
            // Zero seconds to linger: the close sends RST.
            socket.LingerState = new LingerOption(true, 0);
        }

        socket.Dispose();
    }

    private async Task PumpAsync(Socket from, Socket to, ProxyGate gate, long? bytesLeft)
    {
        byte[] buffer = new byte[BufferBytes];
        try
        {
            while (true)
            {
                int count = await from.ReceiveAsync(buffer, _ended.Token);
                if (proxy.Delay is var delay && delay > TimeSpan.Zero)
                {
                    await Task.Delay(delay, _ended.Token);
                }

                await gate.WaitAsync(_ended.Token);
                if (LosesBytes && count != 0)
                {
                    continue;
                }

                if (count == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }

                int sent = bytesLeft is { } left ? (int)Math.Min(left, count) : count;
                await SendAllAsync(to, buffer.AsMemory(0, sent));
                bytesLeft -= sent;
                if (bytesLeft == 0)
                {
                    End(reset: true);
                    return;
                }
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            End(reset: true);
        }
    }

    private async Task SendAllAsync(Socket to, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await to.SendAsync(bytes, _ended.Token)..];
        }
    }
}
