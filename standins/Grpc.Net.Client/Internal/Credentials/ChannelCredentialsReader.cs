using Grpc.Core;

namespace Grpc.Net.Client.Internal.Credentials;

/// <summary>Reads what channel credentials are made of and checks that they fit the channel's address.</summary>
internal sealed class ChannelCredentialsReader : ChannelCredentialsConfiguratorBase
{
    private bool? _secure;

    /// <summary>Credentials that each call of the channel carries.</summary>
    public List<CallCredentials> CallCredentials { get; } = [];

    /// <summary>Whether call credentials may be sent over this channel.</summary>
    public bool MaySendCallCredentials { get; private set; }

    public static ChannelCredentialsReader Read(GrpcChannelOptions options, Uri address)
    {
        var reader = new ChannelCredentialsReader();
        options.Credentials?.InternalPopulateConfiguration(reader, null);
        var secureAddress = address.Scheme == Uri.UriSchemeHttps;
        if (reader._secure is { } secure && secure != secureAddress)
            throw new InvalidOperationException(
                $"The channel's credentials are {(secure ? "secure" : "insecure")}, so its address cannot have the scheme '{address.Scheme}'.");
        reader.MaySendCallCredentials = secureAddress || options.UnsafeUseInsecureChannelCallCredentials;
        return reader;
    }

    public override void SetInsecureCredentials(object? state) => _secure = false;

    public override void SetSslCredentials(
        object? state, string? rootCertificates, KeyCertificatePair? keyCertificatePair, VerifyPeerCallback? verifyPeerCallback)
    {
        if (rootCertificates is not null || keyCertificatePair is not null || verifyPeerCallback is not null)
            throw new InvalidOperationException(
                "A GrpcChannel takes certificates from its HttpHandler: set SslOptions there and use SslCredentials without arguments.");
        _secure = true;
    }

    public override void SetCompositeCredentials(object? state, ChannelCredentials channelCredentials, CallCredentials callCredentials)
    {
        channelCredentials.InternalPopulateConfiguration(this, null);
        CallCredentials.Add(callCredentials);
    }
}
