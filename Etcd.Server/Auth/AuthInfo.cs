namespace Etcd.Server.Auth;

/// <summary>Who asks, and since when that is known.</summary>
/// <param name="Username">The user; may be one that does not exist (any more).</param>
/// <param name="Revision">
/// The auth revision at which the user was told; what is asked with an older one than the current is refused, because rights may have
/// been taken away since. Zero stands for nobody.
/// </param>
public readonly record struct AuthInfo(string Username, ulong Revision)
{
    /// <summary>Nobody in particular.</summary>
    public static AuthInfo Nobody => new("", 0);
}
