using System.IO.Pipelines;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Calls;

/// <summary>
/// What an HTTP/2 engine gives for one call: its stream. All of gRPC's own logic stands on this type alone, so that it
/// can be run by another engine than ASP.NET's. Used by one thread at a time, but for <see cref="EndAsync"/> and
/// <see cref="Reset"/>, which a deadline calls from a thread of its own while no write is going on.
/// </summary>
internal abstract class CallStream
{
    /// <summary>The path.</summary>
    public abstract string Method { get; }

    /// <summary>The authority.</summary>
    public abstract string Host { get; }

    /// <summary>The client's address in gRPC's notation.</summary>
    public abstract string Peer { get; }

    /// <summary>The <c>grpc-timeout</c> header, if any.</summary>
    public abstract string? Timeout { get; }

    /// <summary>The <c>grpc-encoding</c> header, if any.</summary>
    public abstract string? Encoding { get; }

    /// <summary>The <c>grpc-accept-encoding</c> header, if any.</summary>
    public abstract string? AcceptEncoding { get; }

    /// <summary>The request's bytes.</summary>
    public abstract PipeReader RequestBody { get; }

    /// <summary>Where the response's bytes go; response headers precede the first of them by themselves.</summary>
    public abstract PipeWriter ResponseBody { get; }

    /// <summary>Is cancelled when the client has reset the stream or the connection is gone.</summary>
    public abstract CancellationToken Aborted { get; }

    /// <summary>Whether the response headers are sent or decided.</summary>
    public abstract bool HasStarted { get; }

    /// <summary>How the client has authenticated.</summary>
    public abstract AuthContext AuthContext { get; }

    /// <summary>The services of this call; asking for them may create a scope.</summary>
    public abstract IServiceProvider Services { get; }

    /// <summary>State shared with what else handles the request.</summary>
    public abstract IDictionary<object, object> UserState { get; }

    /// <summary>Copies the request headers that are the application's.</summary>
    public abstract void ReadHeaders(Metadata headers);

    /// <summary>Adds a response header; only before <see cref="HasStarted"/>.</summary>
    public abstract void AddHeader(string name, string value);

    /// <summary>
    /// Writes the status and trailers that the response ends with; as headers, if nothing has been written before.
    /// They are sent when the call's handler is done, together with all that is not flushed.
    /// </summary>
    public abstract void SetStatus(in Status status, Metadata? trailers);

    /// <summary>Sends what <see cref="SetStatus"/> set and ends the stream, though the handler still runs.</summary>
    public abstract Task EndAsync();

    /// <summary>Ends the stream with an HTTP/2 error code.</summary>
    public abstract void Reset(StreamError error);
}

/// <summary>HTTP/2 error codes (RFC 9113 section 7).</summary>
internal enum StreamError
{
    NoError = 0,
    InternalError = 2,
    Cancel = 8,
}
