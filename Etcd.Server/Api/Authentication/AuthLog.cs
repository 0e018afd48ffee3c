using Microsoft.Extensions.Logging;

namespace Etcd.Server.Api.Authentication;

/// <summary>Log lines of authentication. Never a password, never a token. Event ids 1500-1509.</summary>
internal static partial class AuthLog
{
    [LoggerMessage(1500, LogLevel.Warning, "invalid authentication was requested")]
    public static partial void SignInRefused(ILogger log, string user, string error);

    [LoggerMessage(1502, LogLevel.Warning, "invalid auth token")]
    public static partial void InvalidToken(ILogger log, string tokenFingerprint);

    [LoggerMessage(1501, LogLevel.Information, "revision when password checked became stale; retrying")]
    public static partial void PasswordStale(ILogger log);
}
