using System.Formats.Asn1;
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
    public static string Of(X509Certificate2 certificate) => Read.GetValue(certificate, static c => Find(c.SubjectName.RawData));

    /// <summary>Goes through all attributes of an encoded name (RFC 5280, section 4.1.2.4), also those that stand together: <c>CN=a+UID=7</c>.</summary>
    private static string Find(byte[] name)
    {
        string found = "";
        AsnReader parts = new AsnReader(name, AsnEncodingRules.BER).ReadSequence();
        while (parts.HasData)
        {
            AsnReader attributes = parts.ReadSetOf(skipSortOrderValidation: true);
            while (attributes.HasData)
            {
                AsnReader attribute = attributes.ReadSequence();
                if (attribute.ReadObjectIdentifier() == CommonName)
                {
                    Asn1Tag tag = attribute.PeekTag();
                    found = attribute.ReadCharacterString((UniversalTagNumber)tag.TagValue);
                }
            }
        }

        return found;
    }
}
