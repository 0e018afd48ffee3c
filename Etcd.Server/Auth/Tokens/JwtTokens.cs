using System.Buffers.Text;
using System.Collections.Concurrent;
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
public sealed class JwtTokens(JwtKey key, TimeSpan lifetime, TimeProvider clock) : ITokens, IDisposable
{
    // Signatures cost tens of microseconds, and a client shows the same token with each request.
    private const int CheckedMax = 4096;

    private readonly ConcurrentDictionary<string, Claims> _checked = new(StringComparer.Ordinal);
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
        if (!_checked.TryGetValue(token, out Claims? claims))
        {
            claims = Check(token);
            if (claims is null)
                return false;

            if (_checked.Count >= CheckedMax)
                _checked.Clear();

            _checked[token] = claims;
        }

        double now = clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        if (now >= claims.End || now < claims.Beginning)
            return false;

        who = claims.Who;
        return true;
    }

    private Claims? Check(string token)
    {
        string[] parts = token.Split('.');
        if (parts.Length != 3)
            return null;

        try
        {
            using JsonDocument header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0]));
            return header.RootElement is { ValueKind: JsonValueKind.Object } head
                && head.TryGetProperty("alg", out JsonElement algorithm)
                && algorithm.ValueKind == JsonValueKind.String
                && algorithm.ValueEquals(key.Algorithm)
                && key.Verify(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]))
                ? Read(Base64Url.DecodeFromChars(parts[1]))
                : null;
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            return null;
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

    /// <inheritdoc/>
    public void Dispose() => key.Dispose();

    private static Claims? Read(byte[] content)
    {
        using JsonDocument document = JsonDocument.Parse(content);
        JsonElement claims = document.RootElement;
        if (claims.ValueKind != JsonValueKind.Object
            || !claims.TryGetProperty("username", out JsonElement username) || username.ValueKind != JsonValueKind.String
            || !claims.TryGetProperty("revision", out JsonElement revision) || revision.ValueKind != JsonValueKind.Number)
        {
            return null;
        }

        double number = revision.GetDouble();
        double end = claims.TryGetProperty("exp", out JsonElement exp) ? exp.GetDouble() : double.PositiveInfinity;
        double beginning = claims.TryGetProperty("nbf", out JsonElement nbf) ? nbf.GetDouble() : double.NegativeInfinity;
        return new Claims(new AuthInfo(username.GetString()!, number is >= 0 and < ulong.MaxValue ? (ulong)number : 0), beginning, end);
    }

    /// <summary>What a token says whose signature is right. Times are Unix seconds.</summary>
    private sealed record Claims(AuthInfo Who, double Beginning, double End);
}
