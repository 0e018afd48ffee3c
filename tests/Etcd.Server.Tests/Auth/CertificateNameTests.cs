using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Etcd.Server.Api.Authentication;

namespace Etcd.Server.Tests.Auth;

/// <summary>Goal: the user that a certificate names is the one that Go finds in it. Method: certificates with names of every shape.</summary>
public sealed class CertificateNameTests
{
    private const string CommonName = "2.5.4.3";
    private const string UserId = "0.9.2342.19200300.100.1.1";

    [Fact]
    public void The_common_name_is_found_wherever_it_stands()
    {
        Assert.Equal("alice", Of([[(CommonName, "alice")]]));
        Assert.Equal("alice", Of([[(UserId, "7")], [(CommonName, "alice")]]));
        Assert.Equal("alice", Of([[(CommonName, "alice"), (UserId, "7")]]));
        Assert.Equal("last", Of([[(CommonName, "first")], [(CommonName, "last")]]));
        Assert.Equal("", Of([[(UserId, "7")]]));
        Assert.Equal("p\u00e4ul \U0001F600", Of([[(CommonName, "p\u00e4ul \U0001F600")]]));
    }

    private static string Of((string Id, string Value)[][] parts)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach ((string Id, string Value)[] part in parts)
            {
                using (writer.PushSetOf())
                {
                    foreach ((string id, string value) in part)
                    {
                        using (writer.PushSequence())
                        {
                            writer.WriteObjectIdentifier(id);
                            writer.WriteCharacterString(UniversalTagNumber.UTF8String, value);
                        }
                    }
                }
            }
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName(writer.Encode()), key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddDays(1));
        return CertificateName.Of(certificate);
    }
}
