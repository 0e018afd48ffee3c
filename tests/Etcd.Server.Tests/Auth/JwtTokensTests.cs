using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Etcd.Protocol.Errors;
using Etcd.Server.Auth;
using Etcd.Server.Auth.Tokens;
using Etcd.Server.Primitives;
using Etcd.TestKit;

namespace Etcd.Server.Tests.Auth;

/// <summary>
/// Goal: JSON web tokens are made and checked as RFC 7515 and 7518 say and etcd does. Method: every algorithm there and back, tokens put
/// together by hand, and the RFC's own example.
/// </summary>
public sealed class JwtTokensTests
{
    private readonly FakeTimeProvider _clock = new();

    public static TheoryData<string> Algorithms => ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void A_token_is_known_where_the_key_is(string algorithm)
    {
        (byte[]? open, byte[] secret) = KeyPair(algorithm);
        JwtTokens signer = New(JwtKeys.Make(algorithm, null, secret));
        string token = signer.Sign("alice", 9);
        Assert.True(signer.TryFind(token, 100, out AuthInfo who));
        Assert.Equal(new AuthInfo("alice", 9), who);
        Assert.Equal(LogIndex.Zero, signer.OriginOf(token));
        Assert.Null(signer.Assign("alice", signer.NewPrefix(), new LogIndex(5)));
        Assert.False(New(JwtKeys.Make(algorithm, null, KeyPair(algorithm).Secret)).TryFind(token, 1, out _), "another key");
        if (open is null)
            return;

        JwtTokens verifier = New(JwtKeys.Make(algorithm, open, null));
        Assert.True(verifier.TryFind(token, 1, out _));
        Assert.Equal(EtcdErrors.TokenSigningVerifyOnly, Assert.Throws<EtcdErrorException>(() => verifier.Sign("alice", 9)).Error);
        Assert.True(New(JwtKeys.Make(algorithm, open, secret)).TryFind(token, 1, out _));
        Assert.Throws<FormatException>(() => JwtKeys.Make(algorithm, KeyPair(algorithm).Open, secret));
    }

    [Fact]
    public void It_says_what_etcds_tokens_say()
    {
        _clock.Advance(TimeSpan.FromSeconds(1));
        string[] parts = New(JwtKeys.Make("HS256", null, "k"u8.ToArray())).Sign("alice", 9).Split('.');
        Assert.Equal("""{"alg":"HS256","typ":"JWT"}""", Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[0])));
        long end = _clock.GetUtcNow().ToUnixTimeSeconds() + 300;
        Assert.Equal($$"""{"exp":{{end}},"revision":9,"username":"alice"}""", Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1])));
    }

    [Fact]
    public void It_ends_with_its_time()
    {
        JwtTokens tokens = New(JwtKeys.Make("HS256", null, "k"u8.ToArray()));
        string token = tokens.Sign("alice", 9);
        _clock.Advance(TimeSpan.FromSeconds(299));
        Assert.True(tokens.TryFind(token, 1, out _));
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.False(tokens.TryFind(token, 1, out _));
    }

    [Theory]
    [InlineData("""{"alg":"HS256"}""", """{"username":"a","revision":1}""", true)]
    [InlineData("""{"alg":"none"}""", """{"username":"a","revision":1}""", false)]
    [InlineData("""{"alg":"HS384"}""", """{"username":"a","revision":1}""", false)]
    [InlineData("""{"alg":1}""", """{"username":"a","revision":1}""", false)]
    [InlineData("""[]""", """{"username":"a","revision":1}""", false)]
    [InlineData("""{"alg":"HS256"}""", """{"revision":1}""", false)]
    [InlineData("""{"alg":"HS256"}""", """{"username":"a"}""", false)]
    [InlineData("""{"alg":"HS256"}""", """{"username":1,"revision":1}""", false)]
    [InlineData("""{"alg":"HS256"}""", """{"username":"a","revision":"1"}""", false)]
    [InlineData("""{"alg":"HS256"}""", """{"username":"a","revision":1,"exp":"x"}""", false)]
    [InlineData("""{"alg":"HS256"}""", """{"username":"a","revision":1,"nbf":99999999999}""", false)]
    [InlineData("""{"alg":"HS256"}""", """[1]""", false)]
    [InlineData("""{"alg":"HS256"}""", """nothing""", false)]
    public void What_it_does_not_say_is_not_assumed(string header, string claims, bool isKnown)
    {
        JwtKey key = JwtKeys.Make("HS256", null, "k"u8.ToArray());
        string content = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";
        string token = $"{content}.{Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes(content)))}";
        Assert.Equal(isKnown, New(key).TryFind(token, 1, out _));
        Assert.False(New(key).TryFind(content + ".", 1, out _), "nothing is not a signature");
        Assert.False(New(key).TryFind(content, 1, out _));
        Assert.False(New(key).TryFind(token + ".x", 1, out _));
        Assert.False(New(key).TryFind("\u20ac.!.x", 1, out _));
    }

    /// <summary>RFC 7515, appendix A.1: the key, what it signs, and the signature.</summary>
    [Fact]
    public void The_rfcs_example_is_right()
    {
        byte[] secret = Base64Url.DecodeFromChars("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
        const string content = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        JwtKey key = JwtKeys.Make("HS256", null, secret);
        Assert.Equal("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes(content))));
    }

    [Theory]
    [InlineData("EdDSA")]
    [InlineData("none")]
    [InlineData("")]
    [InlineData("RS257")]
    public void What_cannot_be_signed_with_is_refused(string algorithm) =>
        Assert.Contains("auth: invalid auth signature method", Assert.Throws<FormatException>(() => JwtKeys.Make(algorithm, null, "k"u8.ToArray())).Message, StringComparison.Ordinal);

    [Fact]
    public void Keys_of_another_kind_are_refused()
    {
        Assert.Equal("auth: missing key data", Assert.Throws<FormatException>(() => JwtKeys.Make("RS256", null, null)).Message);
        Assert.Equal("auth: missing key data", Assert.Throws<FormatException>(() => JwtKeys.Make("HS256", "k"u8.ToArray(), null)).Message);
        Assert.Throws<FormatException>(() => JwtKeys.Make("RS256", null, "no key"u8.ToArray()));
        Assert.Throws<FormatException>(() => JwtKeys.Make("RS256", null, KeyPair("ES256").Secret));
        Assert.Throws<FormatException>(() => JwtKeys.Make("ES384", null, KeyPair("ES256").Secret));
    }

    private static (byte[]? Open, byte[] Secret) KeyPair(string algorithm)
    {
        if (algorithm.StartsWith("HS", StringComparison.Ordinal))
            return (null, RandomNumberGenerator.GetBytes(32));

        using AsymmetricAlgorithm key = algorithm switch
        {
            "ES256" => ECDsa.Create(ECCurve.NamedCurves.nistP256),
            "ES384" => ECDsa.Create(ECCurve.NamedCurves.nistP384),
            "ES512" => ECDsa.Create(ECCurve.NamedCurves.nistP521),
            _ => RSA.Create(2048),
        };
        return (Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem()), Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()));
    }

    private JwtTokens New(JwtKey key) => new(key, TimeSpan.FromMinutes(5), _clock);
}
