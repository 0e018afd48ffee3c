using System.IO.Compression;
using Grpc.Net.Compression;

namespace Grpc.Net.Client.Internal;

/// <summary>What a channel keeps of its options: changing those later changes nothing.</summary>
internal sealed class ChannelSettings
{
    private readonly ICompressionProvider[] _compressionProviders;

    public ChannelSettings(GrpcChannelOptions options)
    {
        MaxSendMessageSize = options.MaxSendMessageSize ?? int.MaxValue;
        MaxReceiveMessageSize = options.MaxReceiveMessageSize ?? int.MaxValue;
        ThrowOperationCanceled = options.ThrowOperationCanceledOnCancellation;
        InitialReconnectBackoff = options.InitialReconnectBackoff;
        MaxReconnectBackoff = options.MaxReconnectBackoff ?? TimeSpan.MaxValue;
        _compressionProviders = options.CompressionProviders is { } providers
            ? [.. providers]
            : [new GzipCompressionProvider(CompressionLevel.Fastest)];
        AcceptEncoding = string.Join(',', _compressionProviders.Select(provider => provider.EncodingName).Prepend("identity"));
    }

    public int MaxSendMessageSize { get; }

    public int MaxReceiveMessageSize { get; }

    public bool ThrowOperationCanceled { get; }

    public TimeSpan InitialReconnectBackoff { get; }

    public TimeSpan MaxReconnectBackoff { get; }

    /// <summary>The value of the header grpc-accept-encoding.</summary>
    public string AcceptEncoding { get; }

    public ICompressionProvider? FindCompression(string encoding)
    {
        foreach (var provider in _compressionProviders)
            if (provider.EncodingName == encoding)
                return provider;
        return null;
    }
}
