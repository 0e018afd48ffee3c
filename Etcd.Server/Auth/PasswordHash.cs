using System.Security.Cryptography;
using System.Text;

namespace Etcd.Server.Auth;

/// <summary>
/// Passwords as bcrypt hashes (<c>$2a$10$...</c>), as etcd keeps them. Both directions take the time of tens of milliseconds of a core
/// by intent; any thread, but not one that others wait for.
/// </summary>
public static class PasswordHash
{
    /// <summary>The least cost that bcrypt has.</summary>
    public const int CostMin = 4;

    /// <summary>The highest.</summary>
    public const int CostMax = 31;

    /// <summary>etcd's default (--bcrypt-cost); each one more doubles the work.</summary>
    public const int CostDefault = 10;

    /// <summary>bcrypt reads no more of a password; etcd refuses longer ones rather than to ignore the rest.</summary>
    public const int PasswordBytesMax = 72;

    private const int HashBytes = 60;

    /// <summary>Whether a password is longer than can be hashed.</summary>
    /// <param name="password">The password.</param>
    public static bool IsTooLong(string password) => Encoding.UTF8.GetByteCount(password) > PasswordBytesMax;

    /// <summary>Hashes a password with a salt of its own.</summary>
    /// <param name="password">The password, not too long.</param>
    /// <param name="cost">The cost.</param>
    public static byte[] Make(string password, int cost) => Encoding.ASCII.GetBytes(BCrypt.Net.BCrypt.HashPassword(password, cost));

    /// <summary>
    /// Hashes a password that stands in the log as it is, which members before 3.5 wrote: with a salt that follows from its place in the
    /// log, so that all members get the same.
    /// </summary>
    /// <param name="password">The password.</param>
    /// <param name="cost">The cost.</param>
    /// <param name="name">The user.</param>
    /// <param name="index">The entry's index.</param>
    public static byte[] MakeForOldEntry(string password, int cost, string name, ulong index)
    {
        byte[] salt = SHA256.HashData(Encoding.UTF8.GetBytes($"{index} {name}"))[..16];
        return Encoding.ASCII.GetBytes(BCrypt.Net.BCrypt.HashPassword(password, $"$2a${cost:00}${Radix64(salt)}"));
    }

    /// <summary>Whether a password is the one of a hash. What is no hash is nobody's.</summary>
    /// <param name="hash">The hash.</param>
    /// <param name="password">The password.</param>
    public static bool Matches(ReadOnlySpan<byte> hash, string password)
    {
        if (hash.Length != HashBytes)
            return false;

        try
        {
            return BCrypt.Net.BCrypt.Verify(password, Encoding.ASCII.GetString(hash));
        }
        catch (Exception e) when (e is BCrypt.Net.SaltParseException or ArgumentException)
        {
            return false;
        }
    }

    // bcrypt's own alphabet.
    private static string Radix64(ReadOnlySpan<byte> bytes)
    {
        const string standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const string own = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        return string.Concat(Convert.ToBase64String(bytes).TrimEnd('=').Select(c => own[standard.IndexOf(c, StringComparison.Ordinal)]));
    }
}
