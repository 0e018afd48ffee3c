using System.Security.Cryptography;
using Etcd.Server.Api.Authentication;
using Etcd.Server.Auth;
using Etcd.Server.Auth.Tokens;
using Etcd.Server.Primitives;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Flags;

/// <summary>
/// What the flags say of authentication. --auth-token is <c>simple</c>, nothing for no tokens at all, or
/// <c>jwt,sign-method=RS256,pub-key=/path,priv-key=/path,ttl=10m</c>.
/// </summary>
internal static class AuthSettings
{
    private const string SignMethod = "sign-method";
    private const string PublicKey = "pub-key";
    private const string PrivateKey = "priv-key";
    private const string Lifetime = "ttl";

    /// <summary>The tokens that a member gives.</summary>
    /// <param name="options">The flags.</param>
    /// <param name="clock">For their age.</param>
    /// <param name="replayed">The last entry that is applied again at the start.</param>
    /// <param name="log">Where an operator is warned.</param>
    /// <exception cref="FormatException">They are none; the message is etcd's where it has one.</exception>
    /// <exception cref="IOException">A key's file cannot be read.</exception>
    public static ITokens Tokens(ServerOptions options, TimeProvider clock, LogIndex replayed, ILogger log)
    {
        (string kind, Dictionary<string, string> given) = Read(options.AuthToken);
        switch (kind)
        {
            case "":
                return NoTokens.Instance;
            case "simple":
                HostingLog.SimpleTokens(log);
                return new SimpleTokens(clock, options.AuthTokenLifetime, RandomNumberGenerator.GetInt32, replayed);
            case "jwt":
                return MakeJwt(given, clock, log);
            default:
                throw Invalid();
        }
    }

    /// <summary>How callers are known, and what a new password costs.</summary>
    /// <param name="options">The flags.</param>
    /// <param name="log">Where an operator is warned.</param>
    public static CallerAuthOptions Callers(ServerOptions options, ILogger log)
    {
        int cost = options.BcryptCost;
        if (cost is < PasswordHash.CostMin or > PasswordHash.CostMax)
        {
            HostingLog.BcryptCostInvalid(log, PasswordHash.CostMin, PasswordHash.CostMax, PasswordHash.CostDefault, cost);
            cost = PasswordHash.CostDefault;
        }

        return new CallerAuthOptions(options.ClientCertAuth, cost);
    }

    private static (string Kind, Dictionary<string, string> Options) Read(string text)
    {
        string[] parts = text.Split(',');
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string part in parts.Skip(1))
        {
            string[] pair = part.Split('=');
            if (pair.Length != 2 || !options.TryAdd(pair[0], pair[1]))
            {
                throw Invalid();
            }
        }

        return (parts[0], options);
    }

    private static JwtTokens MakeJwt(Dictionary<string, string> given, TimeProvider clock, ILogger log)
    {
        string[] unknown = [.. given.Keys.Except([SignMethod, PublicKey, PrivateKey, Lifetime])];
        if (unknown.Length > 0)
        {
            HostingLog.UnknownTokenOptions(log, unknown);
        }

        TimeSpan lifetime = given.GetValueOrDefault(Lifetime, "") is { Length: > 0 } text ? GoDuration.Parse(text) : Limits.WebTokenLifetime;
        JwtKey key = JwtKeys.Make(given.GetValueOrDefault(SignMethod, ""), ReadFile(given, PublicKey), ReadFile(given, PrivateKey));
        return new JwtTokens(key, lifetime, clock);
    }

    private static byte[]? ReadFile(Dictionary<string, string> given, string option) =>
        given.GetValueOrDefault(option, "") is { Length: > 0 } path ? File.ReadAllBytes(path) : null;

    private static FormatException Invalid() => new("auth: invalid auth options");
}
