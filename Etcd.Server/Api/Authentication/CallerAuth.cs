using System.Security.Cryptography;
using System.Text;
using Etcd.Protocol.Errors;
using Etcd.Server.Auth;
using Etcd.Server.Auth.Tokens;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace Etcd.Server.Api.Authentication;

/// <summary>
/// Who makes a call: the user of the token in its metadata (<c>token</c>, else <c>authorization</c>), or the one that the client's
/// certificate names. What that user may do is said by <see cref="Current"/>. While authentication is off, <see cref="IsEnabled"/> is
/// all that a request pays for it. Any thread.
/// </summary>
/// <param name="store">Users, rights and tokens.</param>
/// <param name="status">How far this member is.</param>
/// <param name="reads">To wait for a token that another member has given and this one has not heard of yet.</param>
/// <param name="options">What flags say.</param>
/// <param name="log">Where tokens that are not known are told of, never as they are.</param>
public sealed class CallerAuth(AuthStore store, IMemberStatus status, IReads reads, CallerAuthOptions options, ILogger log)
{
    private const string TokenKey = "token";
    private const string AuthorizationKey = "authorization";
    private const string Bearer = "Bearer ";

    // etcd's gateway is a client of its own server, whose certificate is not that of who asks.
    private const string GatewayKey = "grpcgateway-accept";

    /// <summary>Users and rights, as of the last applied entry.</summary>
    public AuthSnapshot Current => store.Current;

    /// <summary>Whether requests are checked.</summary>
    public bool IsEnabled => store.Current.IsEnabled;

    /// <summary>This member's tokens.</summary>
    public ITokens Tokens => store.Tokens;

    /// <summary>What flags say.</summary>
    public CallerAuthOptions Options => options;

    /// <summary>What to set aside in a command for its user.</summary>
    public int UserRoom => IsEnabled ? Limits.UserRoomBytes : 0;

    /// <summary>Who makes a call; null if it does not say so, or nobody is asked.</summary>
    /// <param name="call">The call.</param>
    /// <returns>Faults with InvalidAuthToken.</returns>
    public ValueTask<AuthInfo?> IdentifyAsync(ServerCallContext call)
    {
        if (!IsEnabled)
            return default;

        HttpContext http = call.GetHttpContext();
        return TokenOf(http.Request.Headers) is { } token
            ? FindAsync(token, call.CancellationToken)
            : new ValueTask<AuthInfo?>(options.ByCertificate ? NamedByCertificate(http) : null);
    }

    /// <summary>Who makes a call; nobody in particular if it does not say so.</summary>
    /// <param name="call">The call.</param>
    /// <returns>Faults with InvalidAuthToken.</returns>
    public async ValueTask<AuthInfo> IdentifyOrNobodyAsync(ServerCallContext call) =>
        await IdentifyAsync(call).ConfigureAwait(false) ?? AuthInfo.Nobody;

    /// <summary>Whose token it is.</summary>
    /// <param name="token">The token, with or without "Bearer" before it.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>Faults with InvalidAuthToken.</returns>
    public ValueTask<AuthInfo?> FindAsync(string token, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(token);
        token = token.StartsWith(Bearer, StringComparison.Ordinal) ? token[Bearer.Length..] : token;
        // First how far this member is: what is applied by now has given its token. And the revision first: see AuthStore.
        LogIndex applied = status.Applied;
        ulong revision = store.Current.Revision;
        if (store.Tokens.TryFind(token, revision, out AuthInfo who))
            return new ValueTask<AuthInfo?>(who);

        LogIndex origin = store.Tokens.OriginOf(token);
        // One that comes from further away than members are from each other was made up.
        return origin > applied && origin <= status.Committed + Limits.CommittedApplyGapMax
            ? FindLaterAsync(token, cancellation)
            : ValueTask.FromException<AuthInfo?>(Refuse(token));
    }

    /// <summary>Refuses a call of nobody.</summary>
    /// <param name="call">The call.</param>
    /// <returns>Faults with InvalidAuthToken or UserEmpty.</returns>
    public async ValueTask RequireUserAsync(ServerCallContext call)
    {
        if (IsEnabled && await IdentifyAsync(call).ConfigureAwait(false) is null)
            throw EtcdErrors.UserEmpty.ToException();
    }

    /// <summary>Refuses a call of anybody who is not root.</summary>
    /// <param name="call">The call.</param>
    /// <returns>Faults with InvalidAuthToken, UserEmpty, UserNotFound or PermissionDenied.</returns>
    public async ValueTask RequireAdminAsync(ServerCallContext call)
    {
        if (IsEnabled && Current.CheckAdmin(await IdentifyOrNobodyAsync(call).ConfigureAwait(false)) is { } refusal)
            throw refusal.ToException();
    }

    /// <summary>As <see cref="RequireAdminAsync(ServerCallContext)"/>, for what another member asks on behalf of a user.</summary>
    /// <param name="token">The user's token; null if there is none.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    public async ValueTask RequireAdminAsync(string? token, CancellationToken cancellation)
    {
        if (!IsEnabled)
            return;

        AuthInfo? who = token is null ? null : await FindAsync(token, cancellation).ConfigureAwait(false);
        if (Current.CheckAdmin(who ?? AuthInfo.Nobody) is { } refusal)
            throw refusal.ToException();
    }

    /// <summary>
    /// Refuses what was read while users or rights changed: it may have been written after the right to read it was taken away.
    /// </summary>
    /// <param name="before">What the check was made on, before the read.</param>
    /// <param name="who">
    /// Who asked. A user who is known of a later revision than this member has must not be checked by this one (a web token of a member
    /// that is ahead).
    /// </param>
    /// <returns>Why the answer must not be given; null if it may.</returns>
    public EtcdError? Recheck(AuthSnapshot before, AuthInfo who) =>
        ReferenceEquals(before, Current) && (who.Revision == 0 || who.Revision == before.Revision) ? null : EtcdErrors.AuthOldRevision;

    private static string? TokenOf(IHeaderDictionary headers)
    {
        StringValues values = headers[TokenKey];
        if (values.Count == 0)
            values = headers[AuthorizationKey];

        return values.Count == 0 ? null : values[0] ?? "";
    }

    private AuthInfo? NamedByCertificate(HttpContext http)
    {
        ulong revision = store.Current.Revision;
        return http.Request.Headers.ContainsKey(GatewayKey) || http.Connection.ClientCertificate is not { } certificate
            ? null
            : new AuthInfo(CertificateName.Of(certificate), revision);
    }

    /// <summary>
    /// A token comes from an entry that was applied elsewhere before anybody had it: a linearizable read is behind that entry. (etcd
    /// waits for the index that the token names, however far that is.)
    /// </summary>
    private async ValueTask<AuthInfo?> FindLaterAsync(string token, CancellationToken cancellation)
    {
        try
        {
            await reads.LinearizeAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is EtcdErrorException or OperationCanceledException)
        {
            throw Refuse(token);
        }

        ulong revision = store.Current.Revision;
        return store.Tokens.TryFind(token, revision, out AuthInfo who) ? who : throw Refuse(token);
    }

    private EtcdErrorException Refuse(string token)
    {
        // Enough to tell tokens apart, and not to use one.
        AuthLog.InvalidToken(log, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))[..12]);
        return EtcdErrors.InvalidAuthToken.ToException();
    }
}

/// <summary>What flags say of authentication.</summary>
/// <param name="ByCertificate">Whether the common name of a client's certificate is a user (--client-cert-auth).</param>
/// <param name="PasswordCost">The cost of hashing a new password (--bcrypt-cost).</param>
public sealed record CallerAuthOptions(bool ByCertificate, int PasswordCost);
