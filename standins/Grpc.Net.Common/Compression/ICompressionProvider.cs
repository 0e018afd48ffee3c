using System.IO.Compression;

namespace Grpc.Net.Compression;

/// <summary>Compresses and decompresses messages in one encoding. One instance serves all calls.</summary>
public interface ICompressionProvider
{
    /// <summary>The name of the encoding on the wire.</summary>
    string EncodingName { get; }

    /// <summary>A stream that writes to another, compressed. Disposing of it ends the message and leaves the other open.</summary>
    Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel);

    /// <summary>A stream that reads from another, decompressed.</summary>
    Stream CreateDecompressionStream(Stream stream);
}
