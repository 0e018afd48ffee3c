using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Etcd.Server.Auth.Tokens;

/// <summary>Makes keys for the algorithms of RFC 7518 that .NET has: HS, RS, PS and ES with 256, 384 and 512 bits.</summary>
public static class JwtKeys
{
    /// <summary>A key.</summary>
    /// <param name="algorithm">The algorithm's name.</param>
    /// <param name="publicKey">The public key's file; null if there is none.</param>
    /// <param name="privateKey">The private key's file, or the shared secret of HS; null if there is none.</param>
    /// <exception cref="FormatException">The algorithm is not known, or the keys are none of its kind; the message is for the operator.</exception>
    public static JwtKey Make(string algorithm, byte[]? publicKey, byte[]? privateKey)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        try
        {
            return algorithm switch
            {
                "EdDSA" => throw new FormatException("auth: invalid auth signature method: .NET has no Ed25519; RS, PS, ES and HS are there"),
                "HS256" or "HS384" or "HS512" => Secret(algorithm, privateKey),
                "RS256" or "RS384" or "RS512" => Rsa(algorithm, RSASignaturePadding.Pkcs1, publicKey, privateKey),
                "PS256" or "PS384" or "PS512" => Rsa(algorithm, RSASignaturePadding.Pss, publicKey, privateKey),
                "ES256" or "ES384" or "ES512" => Curve(algorithm, publicKey, privateKey),
                _ => throw new FormatException("auth: invalid auth signature method"),
            };
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new FormatException("auth: invalid auth options: the key cannot be read", e);
        }
    }

    private static HashAlgorithmName HashOf(string algorithm) => algorithm[2..] switch
    {
        "256" => HashAlgorithmName.SHA256,
        "384" => HashAlgorithmName.SHA384,
        _ => HashAlgorithmName.SHA512,
    };

    private static HmacKey Secret(string algorithm, byte[]? secret) => secret is { Length: > 0 }
        ? new HmacKey(secret, HashOf(algorithm)) { Algorithm = algorithm }
        : throw new FormatException("auth: missing key data");

    private static AsymmetricKey<RSA> Rsa(string algorithm, RSASignaturePadding padding, byte[]? publicKey, byte[]? privateKey)
    {
        HashAlgorithmName hash = HashOf(algorithm);
        return Pair(
            algorithm,
            publicKey,
            privateKey,
            RSA.Create,
            static certificate => certificate.GetRSAPublicKey(),
            (key, content) => key.SignData(content, hash, padding),
            (key, content, signature) => key.VerifyData(content, signature, hash, padding));
    }

    private static AsymmetricKey<ECDsa> Curve(string algorithm, byte[]? publicKey, byte[]? privateKey)
    {
        HashAlgorithmName hash = HashOf(algorithm);
        AsymmetricKey<ECDsa> key = Pair(
            algorithm,
            publicKey,
            privateKey,
            ECDsa.Create,
            static certificate => certificate.GetECDsaPublicKey(),
            (key, content) => key.SignData(content, hash),
            (key, content, signature) => key.VerifyData(content, signature, hash));
        int bits = algorithm == "ES512" ? 521 : int.Parse(algorithm.AsSpan(2), System.Globalization.CultureInfo.InvariantCulture);
        return key.Bits == bits ? key : throw new FormatException($"auth: invalid auth options: {algorithm} needs a key of {bits} bits");
    }

    private static AsymmetricKey<T> Pair<T>(
        string algorithm,
        byte[]? publicKey,
        byte[]? privateKey,
        Func<T> create,
        Func<X509Certificate2, T?> ofCertificate,
        Func<T, byte[], byte[]> sign,
        Func<T, byte[], byte[], bool> verify)
        where T : AsymmetricAlgorithm
    {
        T? open = publicKey is null ? null : ReadPublic(Encoding.UTF8.GetString(publicKey), create, ofCertificate);
        T? secret = privateKey is null ? null : Import(create(), Encoding.UTF8.GetString(privateKey));
        if (secret is null && open is null)
            throw new FormatException("auth: missing key data");

        if (secret is not null && open is not null && !secret.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(open.ExportSubjectPublicKeyInfo()))
            throw new FormatException("auth: public and private keys don't match");

        if (secret is not null)
            open?.Dispose();

        return new AsymmetricKey<T>(secret ?? open!, secret is not null, sign, verify) { Algorithm = algorithm };
    }

    private static T ReadPublic<T>(string pem, Func<T> create, Func<X509Certificate2, T?> ofCertificate)
        where T : AsymmetricAlgorithm
    {
        if (!pem.Contains("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal))
            return Import(create(), pem);

        using X509Certificate2 certificate = X509Certificate2.CreateFromPem(pem);
        return ofCertificate(certificate) ?? throw new CryptographicException("the certificate is for another algorithm");
    }

    private static T Import<T>(T key, string pem)
        where T : AsymmetricAlgorithm
    {
        key.ImportFromPem(pem);
        return key;
    }

    private sealed class HmacKey(byte[] secret, HashAlgorithmName hash) : JwtKey
    {
        public override bool CanSign => true;

        public override byte[] Sign(byte[] content) => CryptographicOperations.HmacData(hash, secret, content);

        public override bool Verify(byte[] content, byte[] signature) => CryptographicOperations.FixedTimeEquals(Sign(content), signature);
    }

    private sealed class AsymmetricKey<T>(T key, bool isPrivate, Func<T, byte[], byte[]> sign, Func<T, byte[], byte[], bool> verify) : JwtKey
        where T : AsymmetricAlgorithm
    {
        // The objects of the framework promise nothing about two threads at once.
        private readonly Lock _gate = new();

        public override bool CanSign => isPrivate;

        public int Bits => key.KeySize;

        public override byte[] Sign(byte[] content)
        {
            lock (_gate)
            {
                return sign(key, content);
            }
        }

        public override bool Verify(byte[] content, byte[] signature)
        {
            lock (_gate)
            {
                return verify(key, content, signature);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                key.Dispose();

            base.Dispose(disposing);
        }
    }
}
