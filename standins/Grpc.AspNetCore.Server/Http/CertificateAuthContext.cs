using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Http;

/// <summary>
/// What a client certificate says, under the names that gRPC uses. The identity is the alternative names where there
/// are any, else the common name.
/// </summary>
internal static class CertificateAuthContext
{
    private const string CommonName = "x509_common_name";
    private const string AlternativeName = "x509_subject_alternative_name";

    public static AuthContext Create(X509Certificate2 certificate)
    {
        var properties = new Dictionary<string, List<AuthProperty>>(StringComparer.Ordinal);
        string? identity = null;
        foreach (var name in AlternativeNames(certificate))
        {
            identity = AlternativeName;
            Add(properties, AlternativeName, name);
        }

        var common = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        if (!string.IsNullOrEmpty(common))
        {
            identity ??= CommonName;
            Add(properties, CommonName, common);
        }

        return new AuthContext(identity, properties);
    }

    private static IEnumerable<string> AlternativeNames(X509Certificate2 certificate)
    {
        foreach (var extension in certificate.Extensions)
        {
            if (extension is X509SubjectAlternativeNameExtension names)
            {
                foreach (var name in names.EnumerateDnsNames())
                {
                    yield return name;
                }

                foreach (var address in names.EnumerateIPAddresses())
                {
                    yield return address.ToString();
                }
            }
        }
    }

    private static void Add(Dictionary<string, List<AuthProperty>> properties, string name, string value)
    {
        if (!properties.TryGetValue(name, out var values))
        {
            properties.Add(name, values = []);
        }

        values.Add(AuthProperty.Create(name, Encoding.UTF8.GetBytes(value)));
    }
}
