using Etcd.Server.Primitives;

namespace Etcd.Server.Auth.Tokens;

/// <summary>
/// How users prove with each request who they are, after they have proved it once with a password. Each member has its own; what it
/// does not know is refused, and its client signs in again. Any thread.
/// </summary>
public interface ITokens
{
    /// <summary>The part of a new token that is made before the log gives it its index; empty where tokens are made of something else.</summary>
    string NewPrefix();

    /// <summary>A user has signed in by the entry that is being applied. The apply thread.</summary>
    /// <param name="username">The user.</param>
    /// <param name="prefix">What <see cref="NewPrefix"/> gave on the member that was asked.</param>
    /// <param name="index">The entry.</param>
    /// <returns>The token; null where it is made by <see cref="Sign"/>, by the member that was asked.</returns>
    string? Assign(string username, string prefix, LogIndex index);

    /// <summary>Makes a token that is not kept anywhere.</summary>
    /// <param name="username">The user.</param>
    /// <param name="revision">The auth revision at which the password was checked.</param>
    /// <returns>The token. Refuses with TokenSigningVerifyOnly or AuthFailed.</returns>
    string Sign(string username, ulong revision);

    /// <summary>The entry that a token comes from: before it is applied here the token cannot be known. Zero if it comes from none.</summary>
    /// <param name="token">The token.</param>
    LogIndex OriginOf(string token);

    /// <summary>Who has a token. To be known is to be used: it lives on.</summary>
    /// <param name="token">The token.</param>
    /// <param name="revision">The current auth revision.</param>
    /// <param name="who">Who it is.</param>
    /// <returns>False if it is not known, or too old.</returns>
    bool TryFind(string token, ulong revision, out AuthInfo who);

    /// <summary>Ends all tokens of a user.</summary>
    /// <param name="username">The user.</param>
    void InvalidateUser(string username);

    /// <summary>Ends all tokens.</summary>
    void Clear();

    /// <summary>Forgets tokens that are too old, from time to time. Called with every tick, by one thread at a time.</summary>
    void RunOnce();
}
