using System.Buffers;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>The protocols that one port can tell apart.</summary>
internal enum WireProtocol
{
    /// <summary>Clear text that is not HTTP/2 with prior knowledge.</summary>
    Http1,

    /// <summary>HTTP/2 in clear text, with prior knowledge.</summary>
    Http2,

    /// <summary>TLS; the protocol within is negotiated by ALPN.</summary>
    Tls,
}

/// <summary>
/// Tells a connection's protocol from the first bytes that the client sends. Pure: looks, never consumes.
/// All three protocols have the client speak first, and four bytes decide.
/// </summary>
internal static class FirstBytes
{
    /// <summary>
    /// A TLS record starts with its type, handshake (22), and the major version 3: <c>16 03 01 ..</c>;
    /// HTTP/2 starts with <c>PRI * HTTP/2.0</c>, of which no HTTP/1.1 method shares the first four bytes.
    /// </summary>
    private static ReadOnlySpan<byte> Http2Prefix => "PRI "u8;

    private static ReadOnlySpan<byte> TlsPrefix => [0x16, 0x03];

    /// <summary>The protocol, or null if more bytes are needed to tell.</summary>
    /// <param name="received">All that the client has sent so far.</param>
    public static WireProtocol? Classify(in ReadOnlySequence<byte> received)
    {
        Span<byte> first = stackalloc byte[4];
        var length = (int)Math.Min(received.Length, first.Length);
        first = first[..length];
        received.Slice(0, length).CopyTo(first);

        if (IsPrefixOrStart(first, Http2Prefix))
        {
            return length == Http2Prefix.Length ? WireProtocol.Http2 : null;
        }

        if (IsPrefixOrStart(first, TlsPrefix))
        {
            return length >= TlsPrefix.Length ? WireProtocol.Tls : null;
        }

        return WireProtocol.Http1;
    }

    private static bool IsPrefixOrStart(ReadOnlySpan<byte> received, ReadOnlySpan<byte> prefix) =>
        received.Length < prefix.Length ? prefix.StartsWith(received) : received.StartsWith(prefix);
}
