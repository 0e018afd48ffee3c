using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Etcd.Client;

/// <summary>
/// Certificates from files that may be replaced while the client runs: each handshake looks whether they have changed. A file that
/// cannot be read then, such as one that is half written, leaves what was read before in use. Safe for concurrent use.
/// </summary>
internal sealed class TlsMaterial
{
    private readonly EtcdTlsOptions _options;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private X509Certificate2Collection? _authorities;
    private SslStreamCertificateContext? _client;
    private DateTime _authoritiesAt;
    private DateTime _clientAt;

    public TlsMaterial(EtcdTlsOptions options, ILogger log)
    {
        _options = options;
        _log = log;
    }

    /// <summary>What a connection that is about to be made uses.</summary>
    public SslClientAuthenticationOptions CreateOptions(string host)
    {
        Refresh();
        var ssl = new SslClientAuthenticationOptions { TargetHost = _options.ServerName ?? host };
        if (_client is { } client)
            ssl.ClientCertificateContext = client;
        if (_options.SkipServerVerification)
            SkipVerification(ssl);
        else if (_authorities is { } authorities)
            ssl.CertificateChainPolicy = Trust(authorities);
        return ssl;
    }

#pragma warning disable CA5359 // That is what the option is for.
    private static void SkipVerification(SslClientAuthenticationOptions ssl) =>
        ssl.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359

    private static X509ChainPolicy Trust(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }

    private void Refresh()
    {
        lock (_gate)
        {
            if (_options.ClientCertificate is { } certificate)
                _client ??= SslStreamCertificateContext.Create(certificate, null, offline: true);
            if (_options.CertFile is { } certFile && _options.KeyFile is { } keyFile)
                Load(Latest(certFile, keyFile), ref _clientAt, ref _client, () => LoadClient(certFile, keyFile));
            if (_options.CaFile is { } caFile)
                Load(Latest(caFile), ref _authoritiesAt, ref _authorities, () => LoadAuthorities(caFile));
        }
    }

    private void Load<T>(DateTime changedAt, ref DateTime loadedAt, ref T? material, Func<T> load)
        where T : class
    {
        if (material is not null && changedAt == loadedAt)
            return;
        try
        {
            material = load();
            loadedAt = changedAt;
        }
        catch (Exception e) when (material is not null && e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            ClientLog.CertificateNotReloaded(_log, e);
        }
    }

    private static DateTime Latest(params ReadOnlySpan<string> files)
    {
        DateTime latest = default;
        foreach (string file in files)
            latest = File.GetLastWriteTimeUtc(file) is var at && at > latest ? at : latest;
        return latest;
    }

    private static X509Certificate2Collection LoadAuthorities(string file)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPemFile(file);
        return all.Count != 0 ? all : throw new CryptographicException($"'{file}' has no certificate in PEM.");
    }

    private static SslStreamCertificateContext LoadClient(string certFile, string keyFile)
    {
        X509Certificate2 certificate = X509Certificate2.CreateFromPemFile(certFile, keyFile);
        // Windows' TLS does not take keys that exist in memory only.
        if (OperatingSystem.IsWindows())
            certificate = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(certFile);
        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }
}
