using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;

namespace Etcd.Server.Api.Gateway;

/// <summary>
/// The gateway over a WebSocket, for browsers, which cannot stream a request's body: each message from the client is JSON of the body,
/// each value of the answer is a message. The call ends with the connection. As in etcd (wsproxy) a token comes as the sub-protocol
/// <c>Bearer, TOKEN</c>.
/// </summary>
internal static class WebSocketGateway
{
    private const string Bearer = "Bearer";
    private const int ReadBytes = 4096;

    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Serves one connection.</summary>
    /// <param name="http">Its request.</param>
    /// <param name="gateway">What makes the call.</param>
    public static async Task ServeAsync(HttpContext http, JsonGateway gateway)
    {
        TakeToken(http, out string? protocol);
        using WebSocket socket = await http.WebSockets.AcceptWebSocketAsync(protocol).ConfigureAwait(false);
        using var closed = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        http.RequestAborted = closed.Token;
        var body = new Pipe();
        Task reading = ReadAsync(socket, body.Writer, closed);
        try
        {
            await gateway.CallAsync(http, body.Reader, new SocketReply(socket, closed.Token)).ConfigureAwait(false);
            await CloseAsync(socket, reading).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException)
        {
            // The client has gone.
        }
        finally
        {
            await closed.CancelAsync().ConfigureAwait(false);
            await body.Reader.CompleteAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(false);
        }
    }

    private static void TakeToken(HttpContext http, out string? protocol)
    {
        string asked = http.Request.Headers.SecWebSocketProtocol.ToString();
        protocol = asked.StartsWith(Bearer, StringComparison.Ordinal) ? Bearer : null;
        int comma = asked.IndexOf(Bearer + ",", StringComparison.Ordinal);
        if (comma >= 0)
        {
            http.Request.Headers.Authorization = Bearer + " " + asked[(comma + Bearer.Length + 1)..].Trim();
        }
    }

    private static async Task ReadAsync(WebSocket socket, PipeWriter body, CancellationTokenSource closed)
    {
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult part = await socket.ReceiveAsync(body.GetMemory(ReadBytes), closed.Token).ConfigureAwait(false);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    break;
                }

                body.Advance(part.Count);
                if (part.EndOfMessage)
                {
                    body.Write("\n"u8);
                }

                // Once nobody reads the body, what comes is dropped; the client's close is waited for all the same.
                await body.FlushAsync(closed.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException)
        {
            // As if it had been closed.
        }
        finally
        {
            await body.CompleteAsync().ConfigureAwait(false);
        }

        await closed.CancelAsync().ConfigureAwait(false);
    }

    /// <summary>Says that nothing follows, and gives the client a moment to say the same: it reads what was sent before.</summary>
    private static async Task CloseAsync(WebSocket socket, Task reading)
    {
        using var limit = new CancellationTokenSource(CloseTimeout);
        if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, statusDescription: null, limit.Token).ConfigureAwait(false);
        }

        await reading.WaitAsync(limit.Token).ConfigureAwait(false);
    }

    private sealed class SocketReply(WebSocket socket, CancellationToken closed) : IGatewayReply
    {
        public bool HasStarted { get; private set; }

        public Task WriteWholeAsync(int status, ReadOnlyMemory<byte> json) => WriteLineAsync(status, json);

        public async Task WriteLineAsync(int status, ReadOnlyMemory<byte> json)
        {
            HasStarted = true;
            await socket.SendAsync(json, WebSocketMessageType.Text, endOfMessage: true, closed).ConfigureAwait(false);
        }
    }
}
