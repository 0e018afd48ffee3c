using System.IO.Compression;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server.Calls;

/// <summary>The options of a method, resolved once when its service is mapped.</summary>
internal sealed record MethodSettings
{
    public required long SendBytesMax { get; init; }

    public required long ReceiveBytesMax { get; init; }

    public required bool DetailedErrors { get; init; }

    public required bool Compress { get; init; }

    public required CompressionLevel CompressionLevel { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Merges the options of a service into those of all services.</summary>
    public static MethodSettings Resolve(GrpcServiceOptions all, GrpcServiceOptions one, ILogger logger)
    {
        var algorithm = one.ResponseCompressionAlgorithm ?? all.ResponseCompressionAlgorithm;
        if (algorithm is not (null or GzipCodec.Name or "identity"))
        {
            throw new InvalidOperationException($"The compression algorithm '{algorithm}' is not known; gzip is.");
        }

        return new MethodSettings
        {
            SendBytesMax = (one.MaxSendMessageSizeConfigured ? one.MaxSendMessageSize : all.MaxSendMessageSize) ?? int.MaxValue,
            ReceiveBytesMax = ReceiveLimit(all, one) ?? int.MaxValue,
            DetailedErrors = one.EnableDetailedErrors ?? all.EnableDetailedErrors ?? false,
            Compress = algorithm is GzipCodec.Name,
            CompressionLevel = one.ResponseCompressionLevel ?? all.ResponseCompressionLevel ?? CompressionLevel.Fastest,
            Logger = logger,
        };
    }

    private static int? ReceiveLimit(GrpcServiceOptions all, GrpcServiceOptions one)
    {
        if (one.MaxReceiveMessageSizeConfigured)
        {
            return one.MaxReceiveMessageSize;
        }

        return all.MaxReceiveMessageSizeConfigured ? all.MaxReceiveMessageSize : GrpcServiceOptions.DefaultReceiveMaxMessageSize;
    }
}
