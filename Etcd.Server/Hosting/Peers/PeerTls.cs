using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Etcd.Server.Hosting.Flags;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Etcd.Server.Hosting.Peers;

/// <summary>TLS between members: each shows the same certificate as a server and as a client.</summary>
internal static class PeerTls
{
    /// <summary>What Kestrel needs; null where no peer URL asks for TLS.</summary>
    /// <param name="options">The flags.</param>
    /// <exception cref="CryptographicException">A file holds no certificate or key.</exception>
    public static Action<HttpsConnectionAdapterOptions>? ForServer(ServerOptions options) =>
        options.ListenPeerUrls.Any(u => u.IsTls)
            ? ClientTls.For(options.PeerCertFile, options.PeerKeyFile, options.PeerTrustedCaFile)
            : null;

    /// <summary>What connections to other members need; null if no certificate and no authority is given.</summary>
    /// <param name="options">The flags.</param>
    /// <exception cref="CryptographicException">A file holds no certificate or key.</exception>
    public static SslClientAuthenticationOptions? ForClient(ServerOptions options)
    {
        if (options.PeerCertFile.Length == 0 && options.PeerTrustedCaFile.Length == 0)
        {
            return null;
        }

        var tls = new SslClientAuthenticationOptions { EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 };
        if (options.PeerCertFile.Length > 0)
        {
            X509Certificate2 certificate = ClientTls.LoadWithKey(options.PeerCertFile, options.PeerKeyFile);
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(
                certificate, ClientTls.Load(options.PeerCertFile), offline: true);
        }

        if (options.PeerTrustedCaFile.Length > 0)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.AddRange(ClientTls.Load(options.PeerTrustedCaFile));
            tls.CertificateChainPolicy = policy;
        }

        return tls;
    }
}
