using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Etcd.Server.Api.Gateway;

/// <summary>Where the gateway's answers go: an HTTP response, or a WebSocket's messages. Used by one task at a time.</summary>
internal interface IGatewayReply
{
    /// <summary>Whether anything was written.</summary>
    bool HasStarted { get; }

    /// <summary>Writes the whole answer.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="json">The JSON text.</param>
    Task WriteWholeAsync(int status, ReadOnlyMemory<byte> json);

    /// <summary>Writes one of many values.</summary>
    /// <param name="status">The HTTP status; counts for the first one.</param>
    /// <param name="json">The JSON text, without line breaks.</param>
    Task WriteLineAsync(int status, ReadOnlyMemory<byte> json);
}

/// <summary>Answers over HTTP; many values are lines.</summary>
/// <param name="http">The request.</param>
internal sealed class HttpReply(HttpContext http) : IGatewayReply
{
    /// <inheritdoc/>
    public bool HasStarted { get; private set; }

    /// <inheritdoc/>
    public async Task WriteWholeAsync(int status, ReadOnlyMemory<byte> json)
    {
        Start(status);
        http.Response.ContentLength = json.Length;
        await http.Response.BodyWriter.WriteAsync(json, http.RequestAborted).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task WriteLineAsync(int status, ReadOnlyMemory<byte> json)
    {
        Start(status);
        // In one piece: there are clients (python3-etcd3gw) that take each chunk of HTTP for a value.
        byte[] line = ArrayPool<byte>.Shared.Rent(json.Length + 1);
        try
        {
            json.CopyTo(line);
            line[json.Length] = (byte)'\n';
            await http.Response.Body.WriteAsync(line.AsMemory(0, json.Length + 1), http.RequestAborted).ConfigureAwait(false);
            await http.Response.Body.FlushAsync(http.RequestAborted).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(line);
        }
    }

    private void Start(int status)
    {
        if (HasStarted)
        {
            return;
        }

        HasStarted = true;
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        // What the call's own response has, under the name that etcd's gateway gives it.
        http.Response.Headers["Grpc-Metadata-Content-Type"] = "application/grpc";
    }
}
