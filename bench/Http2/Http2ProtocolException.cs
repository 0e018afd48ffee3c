namespace Etcd.Bench.Http2;

/// <summary>The peer broke HTTP/2, HPACK or the gRPC framing; the connection it happened on is of no further use.</summary>
internal sealed class Http2ProtocolException(string message) : Exception(message);
