using System.Security.Cryptography.X509Certificates;

namespace Etcd.Client;

/// <summary>
/// TLS for https endpoints. Files are PEM; they are read again when they have changed, so that new connections use renewed
/// certificates without a restart.
/// </summary>
/// <example>
/// <code>
/// var options = new EtcdClientOptions
/// {
///     Endpoints = { "https://etcd-0:2379" },
///     Tls = new EtcdTlsOptions { CaFile = "ca.pem", CertFile = "client.pem", KeyFile = "client-key.pem" },
/// };
/// </code>
/// </example>
public sealed class EtcdTlsOptions
{
    /// <summary>The authorities that may have signed the servers' certificates; null for the system's.</summary>
    public string? CaFile { get; set; }

    /// <summary>The client's certificate, with intermediates behind it if there are any. Needs <see cref="KeyFile"/>.</summary>
    public string? CertFile { get; set; }

    /// <summary>The key of <see cref="CertFile"/>, not encrypted.</summary>
    public string? KeyFile { get; set; }

    /// <summary>The client's certificate with its key, in place of files.</summary>
    public X509Certificate2? ClientCertificate { get; set; }

    /// <summary>The name that the servers' certificates must have; null for the host of each endpoint.</summary>
    public string? ServerName { get; set; }

    /// <summary>Accepts any certificate: whoever is on the way can read and change everything. For experiments only.</summary>
    public bool SkipServerVerification { get; set; }

    internal EtcdTlsOptions Copy() => (EtcdTlsOptions)MemberwiseClone();

    internal void Check(List<string> problems)
    {
        if (CertFile is null != KeyFile is null)
            problems.Add("Tls.CertFile and Tls.KeyFile belong together: set both or neither.");
        if (CertFile is not null && ClientCertificate is not null)
            problems.Add("Tls.ClientCertificate and Tls.CertFile are both set; the client uses one of them.");
        if (ClientCertificate is { HasPrivateKey: false })
            problems.Add("Tls.ClientCertificate has no private key.");
        CheckFile(CaFile, "CaFile", problems);
        CheckFile(CertFile, "CertFile", problems);
        CheckFile(KeyFile, "KeyFile", problems);
    }

    private static void CheckFile(string? file, string name, List<string> problems)
    {
        if (file is not null && !File.Exists(file))
            problems.Add($"Tls.{name} '{file}' does not exist.");
    }
}
