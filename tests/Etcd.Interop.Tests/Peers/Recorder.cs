using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Etcd.Interop.Tests.Peers;

/// <summary>One request and its answer as they went over a connection; bodies without the marks of chunks, and as far as they went.</summary>
internal sealed record RecordedExchange(string RequestHead, byte[] RequestBody, string AnswerHead, byte[] AnswerBody)
{
    public string RequestLine => RequestHead.Split("\r\n")[0];
}

/// <summary>Passes connections on to a port and keeps what goes over them, both ways.</summary>
internal sealed class Recorder : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly int _target;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private readonly List<(MemoryStream ToServer, MemoryStream ToClient)> _records = [];
    private readonly Task _accepting;

    public Recorder(int port, int target)
    {
        _target = target;
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>All that was recorded so far.</summary>
    public IReadOnlyList<RecordedExchange> Exchanges()
    {
        List<(byte[] ToServer, byte[] ToClient)> records;
        lock (_gate)
        {
            records = [.. _records.Select(r => (r.ToServer.ToArray(), r.ToClient.ToArray()))];
        }

        return [.. records.SelectMany(r => Pair(Parse(r.ToServer), Parse(r.ToClient)))];
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
    }

    private static IEnumerable<RecordedExchange> Pair(List<(string Head, byte[] Body)> requests, List<(string Head, byte[] Body)> answers) =>
        requests.Zip(answers, (r, a) => new RecordedExchange(r.Head, r.Body, a.Head, a.Body));

    private static List<(string Head, byte[] Body)> Parse(byte[] bytes)
    {
        List<(string Head, byte[] Body)> all = [];
        int at = 0;
        while (bytes.AsSpan(at).IndexOf("\r\n\r\n"u8) is var length and >= 0)
        {
            string head = Encoding.ASCII.GetString(bytes, at, length);
            at += length + 4;
            all.Add((head, Body(head, bytes, ref at)));
        }

        return all;
    }

    private static byte[] Body(string head, byte[] bytes, ref int at)
    {
        if (!head.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase))
        {
            int length = head.Split("\r\n").Select(l => l.Split(": ")).FirstOrDefault(p => p[0].Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) is { } field
                ? int.Parse(field[1], System.Globalization.CultureInfo.InvariantCulture)
                : 0;
            length = Math.Min(length, bytes.Length - at);
            at += length;
            return bytes[(at - length)..at];
        }

        using var body = new MemoryStream();
        while (bytes.AsSpan(at).IndexOf("\r\n"u8) is var end and > 0)
        {
            int size = Convert.ToInt32(Encoding.ASCII.GetString(bytes, at, end), 16);
            at += end + 2;
            int there = Math.Min(size, bytes.Length - at);
            body.Write(bytes, at, there);
            at = Math.Min(bytes.Length, at + size + 2);
            if (size == 0)
            {
                break;
            }
        }

        return body.ToArray();
    }

    private async Task AcceptAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_stopping.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var from = new NetworkStream(client, ownsSocket: true);
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        (MemoryStream ToServer, MemoryStream ToClient) record = (new(), new());
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target, _stopping.Token);
            using var to = new NetworkStream(server, ownsSocket: false);
            lock (_gate)
            {
                _records.Add(record);
            }

            // When either side ends, so does the other.
            await Task.WhenAny(CopyAsync(from, to, record.ToServer), CopyAsync(to, from, record.ToClient));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException)
        {
            // The connection is over.
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, MemoryStream record)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int read;
            while ((read = await from.ReadAsync(buffer, _stopping.Token)) > 0)
            {
                lock (_gate)
                {
                    record.Write(buffer, 0, read);
                }

                await to.WriteAsync(buffer.AsMemory(0, read), _stopping.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            // The connection is over.
        }
    }
}
