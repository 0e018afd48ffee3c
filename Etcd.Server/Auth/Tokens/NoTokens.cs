using Etcd.Protocol.Errors;
using Etcd.Server.Primitives;

namespace Etcd.Server.Auth.Tokens;

/// <summary>No tokens: nobody can sign in by password (an empty --auth-token).</summary>
public sealed class NoTokens : ITokens
{
    private NoTokens()
    {
    }

    /// <summary>The one.</summary>
    public static NoTokens Instance { get; } = new();

    /// <inheritdoc/>
    public string NewPrefix() => "";

    /// <inheritdoc/>
    public string? Assign(string username, string prefix, LogIndex index) => null;

    /// <inheritdoc/>
    public string Sign(string username, ulong revision) => throw EtcdErrors.AuthFailed.ToException();

    /// <inheritdoc/>
    public LogIndex OriginOf(string token) => LogIndex.Zero;

    /// <inheritdoc/>
    public bool TryFind(string token, ulong revision, out AuthInfo who)
    {
        who = AuthInfo.Nobody;
        return false;
    }

    /// <inheritdoc/>
    public void InvalidateUser(string username)
    {
    }

    /// <inheritdoc/>
    public void Clear()
    {
    }

    /// <inheritdoc/>
    public void RunOnce()
    {
    }
}
