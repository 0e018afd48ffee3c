using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Etcd.Protocol.Errors;
using Etcd.Server.Primitives;

namespace Etcd.Server.Auth.Tokens;

/// <summary>
/// Tokens that nobody keeps: JSON web tokens (RFC 7519) with the claims <c>username</c>, <c>revision</c> and <c>exp</c>, signed by the
/// member that was asked. Every member that has the key can check them, after a start as well. They end with their time, and, but for
/// root's administration, with any change of users and roles, because they name the revision. Any thread.
/// </summary>
/// <param name="key">The key.</param>
/// <param name="lifetime">How long a token lives.</param>
/// <param name="clock">For their age.</param>
public sealed class JwtTokens(JwtKey key, TimeSpan lifetime, TimeProvider clock) : ITokens
{
    private readonly string _header = Base64Url.EncodeToString(
        Encoding.ASCII.GetBytes($$"""{"alg":"{{(key ?? throw new ArgumentNullException(nameof(key))).Algorithm}}","typ":"JWT"}"""));

    /// <inheritdoc/>
    public string NewPrefix() => "";

    /// <inheritdoc/>
    public string? Assign(string username, string prefix, LogIndex index) => null;

    /// <inheritdoc/>
    public string Sign(string username, ulong revision)
    {
        if (!key.CanSign)
            throw EtcdErrors.TokenSigningVerifyOnly.ToException();

        using var claims = new MemoryStream();
        using (var json = new Utf8JsonWriter(claims))
        {
            json.WriteStartObject();
            json.WriteNumber("exp", (clock.GetUtcNow() + lifetime).ToUnixTimeSeconds());
            json.WriteNumber("revision", revision);
            json.WriteString("username", username);
            json.WriteEndObject();
        }

        string content = $"{_header}.{Base64Url.EncodeToString(claims.ToArray())}";
        return $"{content}.{Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes(content)))}";
    }

    /// <inheritdoc/>
    public LogIndex OriginOf(string token) => LogIndex.Zero;

    /// <inheritdoc/>
    public bool TryFind(string token, ulong revision, out AuthInfo who)
    {
        ArgumentNullException.ThrowIfNull(token);
        who = AuthInfo.Nobody;
        string[] parts = token.Split('.');
        if (parts.Length != 3)
            return false;

        try
        {
            using JsonDocument header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0]));
            return header.RootElement is { ValueKind: JsonValueKind.Object } head
                && head.TryGetProperty("alg", out JsonElement algorithm)
                && algorithm.ValueKind == JsonValueKind.String
                && algorithm.ValueEquals(key.Algorithm)
                && key.Verify(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]))
                && TryRead(Base64Url.DecodeFromChars(parts[1]), out who);
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Nothing: what is signed cannot be taken back.</summary>
    public void InvalidateUser(string username)
    {
    }

    /// <inheritdoc cref="InvalidateUser"/>
    public void Clear()
    {
    }

    /// <inheritdoc cref="InvalidateUser"/>
    public void RunOnce()
    {
    }

    private bool TryRead(byte[] content, out AuthInfo who)
    {
        who = AuthInfo.Nobody;
        using JsonDocument document = JsonDocument.Parse(content);
        JsonElement claims = document.RootElement;
        if (claims.ValueKind != JsonValueKind.Object || !IsInTime(claims)
            || !claims.TryGetProperty("username", out JsonElement username) || username.ValueKind != JsonValueKind.String
            || !claims.TryGetProperty("revision", out JsonElement revision) || revision.ValueKind != JsonValueKind.Number)
        {
            return false;
        }

        double number = revision.GetDouble();
        who = new AuthInfo(username.GetString()!, number is >= 0 and < ulong.MaxValue ? (ulong)number : 0);
        return true;
    }

    private bool IsInTime(JsonElement claims)
    {
        double now = clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        bool hasEnd = claims.TryGetProperty("exp", out JsonElement end);
        bool hasBeginning = claims.TryGetProperty("nbf", out JsonElement beginning);
        return (!hasEnd || now < end.GetDouble()) && (!hasBeginning || now >= beginning.GetDouble());
    }
}
