using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Etcd.Server.Hosting.Flags;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Etcd.Server.Hosting;

/// <summary>TLS on the client port: the server's certificate, and who of the clients is let in.</summary>
internal static class ClientTls
{
    /// <summary>The extended key usage of clients' certificates (RFC 5280, section 4.2.1.12).</summary>
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>What Kestrel needs; null where no client URL asks for TLS.</summary>
    /// <param name="options">The flags.</param>
    /// <exception cref="CryptographicException">A file holds no certificate or key.</exception>
    public static Action<HttpsConnectionAdapterOptions>? For(ServerOptions options)
    {
        if (!options.ListenClientUrls.Any(u => u.IsTls))
        {
            return null;
        }

        using var fromPem = X509Certificate2.CreateFromPemFile(options.CertFile, options.KeyFile);
        // Windows' TLS does not take a key that lives in memory only; a round trip through PKCS #12 gives it a home.
        X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12(fromPem.Export(X509ContentType.Pkcs12), null);
        X509Certificate2Collection chain = Load(options.CertFile);
        X509Certificate2Collection? authorities = options.TrustedCaFile.Length > 0 ? Load(options.TrustedCaFile) : null;
        return https =>
        {
            https.ServerCertificate = certificate;
            https.ServerCertificateChain = chain;
            https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
            // As in etcd, to name authorities is to ask for certificates, with --client-cert-auth or without.
            if (authorities is not null)
            {
                https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                https.ClientCertificateValidation = (client, sent, _) => IsTrusted(client, sent, authorities);
            }
        };
    }

    private static X509Certificate2Collection Load(string path)
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
