namespace Etcd.Server.Auth.Tokens;

/// <summary>A key that signs or checks the bytes of JSON web tokens by one algorithm (RFC 7518, section 3). Any thread.</summary>
public abstract class JwtKey : IDisposable
{
    /// <summary>The algorithm's name in a token's header, such as RS256.</summary>
    public required string Algorithm { get; init; }

    /// <summary>Whether it can sign: there is more than a public key.</summary>
    public abstract bool CanSign { get; }

    /// <summary>Signs.</summary>
    /// <param name="content">What is signed.</param>
    public abstract byte[] Sign(byte[] content);

    /// <summary>Whether a signature is right.</summary>
    /// <param name="content">What was signed.</param>
    /// <param name="signature">The signature.</param>
    public abstract bool Verify(byte[] content, byte[] signature);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of the key.</summary>
    /// <param name="disposing">Whether it is asked for.</param>
    protected virtual void Dispose(bool disposing)
    {
    }
}
