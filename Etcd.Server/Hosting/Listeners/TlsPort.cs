using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>TLS on a port. Immutable.</summary>
/// <param name="Configure">Its certificate, and whose certificates it verifies.</param>
internal sealed record TlsPort(Action<HttpsConnectionAdapterOptions> Configure)
{
    /// <summary>Whether other members connect there, and not clients: the log says so.</summary>
    public bool IsForPeers { get; init; }

    /// <summary>
    /// Looks at who has shown a verified certificate, and at where the connection comes from; says why it is closed, null if it is
    /// not.
    /// </summary>
    public Func<X509Certificate2, EndPoint?, CancellationToken, Task<string?>>? Admit { get; init; }
}
