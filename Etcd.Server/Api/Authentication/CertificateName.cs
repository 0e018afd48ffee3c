using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;

namespace Etcd.Server.Api.Authentication;

/// <summary>The name that a certificate bears. Any thread.</summary>
public static class CertificateName
{
    private const string CommonName = "2.5.4.3";

    // A connection shows one certificate with all of its calls; its names are encoded, and read once.
    private static readonly ConditionalWeakTable<X509Certificate2, string> Read = [];

    /// <summary>The common name; the last one counts where there are several, as in Go. Empty if there is none.</summary>
    /// <param name="certificate">The certificate.</param>
    public static string Of(X509Certificate2 certificate) => Read.GetValue(certificate, static c => c.SubjectName
        .EnumerateRelativeDistinguishedNames(reversed: false)
        .Where(n => !n.HasMultipleElements && n.GetSingleElementType().Value == CommonName)
        .Select(n => n.GetSingleElementValue() ?? "")
        .LastOrDefault(""));
}
