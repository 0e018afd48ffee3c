using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Listeners;

namespace Etcd.Server.Hosting.Peers;

/// <summary>TLS between members: each shows the same certificate as a server and as a client, unless flags name two.</summary>
internal static class PeerTls
{
    /// <summary>What Kestrel needs; null where no peer URL asks for TLS.</summary>
    /// <param name="options">The flags.</param>
    /// <exception cref="CryptographicException">A file holds no certificate or key.</exception>
    public static TlsPort? ForServer(ServerOptions options) => options.ListenPeerUrls.Any(u => u.IsTls)
        ? new TlsPort(ClientTls.For(options.PeerCertFile, options.PeerKeyFile, options.PeerTrustedCaFile, Rules(options)))
        {
            IsForPeers = true,
            Admit = options.PeerSkipClientSanVerification ? null : PeerSanCheck.OfSystem.RefuseAsync,
        }
        : null;

    /// <summary>What connections to other members need; null if no certificate and no authority is given.</summary>
    /// <param name="options">The flags.</param>
    /// <exception cref="CryptographicException">A file holds no certificate or key.</exception>
    public static SslClientAuthenticationOptions? ForClient(ServerOptions options)
    {
        if (options.PeerCertFile.Length == 0 && options.PeerClientCertFile.Length == 0 && options.PeerTrustedCaFile.Length == 0)
        {
            return null;
        }

        var tls = new SslClientAuthenticationOptions { EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 };
        (string certFile, string keyFile) = options.PeerClientCertFile.Length > 0
            ? (options.PeerClientCertFile, options.PeerClientKeyFile)
            : (options.PeerCertFile, options.PeerKeyFile);
        if (certFile.Length > 0)
        {
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(
                ClientTls.LoadWithKey(certFile, keyFile), ClientTls.Load(certFile), offline: true);
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

        CertificateRules rules = Rules(options);
        // The name of whoever answers counts as much as that of whoever calls.
        tls.RemoteCertificateValidationCallback = (_, shown, _, errors) =>
            errors == SslPolicyErrors.None && shown is X509Certificate2 certificate && rules.AllowName(certificate);
        return tls;
    }

    private static CertificateRules Rules(ServerOptions options) =>
        new(options.PeerCertAllowedCns, options.PeerCertAllowedHostnames, options.PeerCrlFile);
}
