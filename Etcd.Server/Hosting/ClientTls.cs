using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Listeners;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Etcd.Server.Hosting;

/// <summary>TLS on a port: the server's certificate, and who of the clients is let in.</summary>
internal static class ClientTls
{
    /// <summary>The extended key usage of clients' certificates (RFC 5280, section 4.2.1.12).</summary>
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>What Kestrel needs; null where no URL asks for TLS.</summary>
    /// <param name="options">The flags.</param>
    /// <param name="urls">Where clients are served.</param>
    /// <exception cref="CryptographicException">A file holds no certificate or key.</exception>
    public static TlsPort? For(ServerOptions options, IReadOnlyList<EtcdUrl> urls) => urls.Any(u => u.IsTls)
        ? new TlsPort(For(
            options.CertFile, options.KeyFile, options.TrustedCaFile, new CertificateRules([], options.ClientCertAllowedHostnames, options.ClientCrlFile)))
        : null;

    /// <summary>What Kestrel needs to show a certificate and to ask for others.</summary>
    /// <param name="certFile">The certificate, with those that lead to its authority behind it.</param>
    /// <param name="keyFile">Its key.</param>
    /// <param name="trustedCaFile">The authorities of clients' certificates; empty if none is asked for.</param>
    /// <param name="rules">What those certificates must be besides.</param>
    /// <exception cref="CryptographicException">A file holds no certificate or key.</exception>
    public static Action<HttpsConnectionAdapterOptions> For(string certFile, string keyFile, string trustedCaFile, CertificateRules rules)
    {
        X509Certificate2 certificate = LoadWithKey(certFile, keyFile);
        X509Certificate2Collection chain = Load(certFile);
        X509Certificate2Collection? authorities = trustedCaFile.Length > 0 ? Load(trustedCaFile) : null;
        return https =>
        {
            https.ServerCertificate = certificate;
            https.ServerCertificateChain = chain;
            https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
            // As in etcd, to name authorities is to ask for certificates, with --client-cert-auth or without.
            if (authorities is not null)
            {
                https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                https.ClientCertificateValidation = (client, sent, _) =>
                    IsTrusted(client, sent, authorities) && rules.AllowName(client) && !rules.IsRevoked([client, .. sent?.ChainPolicy.ExtraStore ?? []]);
            }
        };
    }

    /// <summary>A certificate that can be shown.</summary>
    /// <param name="certFile">The certificate.</param>
    /// <param name="keyFile">Its key.</param>
    /// <exception cref="CryptographicException">A file holds no certificate or key.</exception>
    public static X509Certificate2 LoadWithKey(string certFile, string keyFile)
    {
        using var fromPem = X509Certificate2.CreateFromPemFile(certFile, keyFile);
        // Windows' TLS does not take a key that lives in memory only; a round trip through PKCS #12 gives it a home.
        return X509CertificateLoader.LoadPkcs12(fromPem.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>All certificates of a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CryptographicException">It holds none.</exception>
    public static X509Certificate2Collection Load(string path)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPemFile(path);
        return all;
    }

    /// <summary>Whether a client's certificate is one for clients and leads to an authority, by way of what the client has sent with it.</summary>
    private static bool IsTrusted(X509Certificate2 client, X509Chain? sent, X509Certificate2Collection authorities)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        if (sent is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore);
        }

        return chain.Build(client);
    }
}
