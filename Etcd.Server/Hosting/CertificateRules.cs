using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Etcd.Server.Api.Authentication;

namespace Etcd.Server.Hosting;

/// <summary>
/// What a certificate must be besides verified: on a list of names, and not on a list of revoked ones. Any thread. The list of
/// revoked certificates is read anew for every connection, as etcd does, so that it can be replaced while the member runs.
/// </summary>
/// <param name="Names">The common names that are let in; empty for any.</param>
/// <param name="Hostnames">The hosts of which a certificate must name one as an alternative name; empty for any.</param>
/// <param name="CrlFile">The revoked certificates (RFC 5280, DER); empty for none.</param>
internal sealed record CertificateRules(IReadOnlyList<string> Names, IReadOnlyList<string> Hostnames, string CrlFile)
{
    /// <summary>Whether the certificate bears a name that is let in.</summary>
    /// <param name="certificate">The certificate.</param>
    public bool AllowName(X509Certificate2 certificate) =>
        (Names.Count == 0 || Names.Contains(CertificateName.Of(certificate), StringComparer.Ordinal))
        && (Hostnames.Count == 0 || Hostnames.Any(h => certificate.MatchesHostname(h, allowWildcards: true, allowCommonName: false)));

    /// <summary>Whether one of the certificates is revoked. A list that cannot be read lets nobody in.</summary>
    /// <param name="certificates">A certificate and what was sent with it.</param>
    public bool IsRevoked(IEnumerable<X509Certificate2> certificates)
    {
        if (CrlFile.Length == 0)
        {
            return false;
        }

        try
        {
            CertificateRevocationListBuilder revoked = CertificateRevocationListBuilder.Load(File.ReadAllBytes(CrlFile), out _);
            return certificates.Any(c => revoked.RemoveEntry(c.SerialNumberBytes.Span));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return true;
        }
    }
}
