using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>
/// Logs the connections whose TLS handshake failed, or that are not let in after it. Kestrel tells of the former at debug level
/// only and ends them without an exception, so two steps stand around its TLS: a connection that passes the outer and not the
/// inner was rejected.
/// </summary>
internal static class TlsRejections
{
    private static readonly object AcceptedKey = new();
    private static readonly object ReasonKey = new();

    /// <summary>The step outside TLS.</summary>
    public static Func<ConnectionDelegate, ConnectionDelegate> Logged(IServiceProvider services, bool isForPeers)
    {
        ILogger logger = services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(TlsRejections).FullName!);
        return next => async connection =>
        {
            await next(connection).ConfigureAwait(false);
            if (!connection.Items.ContainsKey(AcceptedKey))
            {
                string address = connection.RemoteEndPoint?.ToString() ?? "";
                string error = connection.Items.TryGetValue(ReasonKey, out object? reason) ? (string)reason! : "the TLS handshake failed";
                if (isForPeers)
                {
                    ListenerLog.PeerRejected(logger, address, error);
                }
                else
                {
                    ListenerLog.Rejected(logger, address, error);
                }
            }
        };
    }

    /// <summary>The step inside TLS.</summary>
    public static Func<ConnectionDelegate, ConnectionDelegate> Admitted(TlsPort tls) => next => async connection =>
    {
        if (tls.Admit is { } admit
            && connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is { } certificate
            && await admit(certificate, connection.RemoteEndPoint, connection.ConnectionClosed).ConfigureAwait(false) is { } reason)
        {
            connection.Items[ReasonKey] = reason;
            connection.Abort();
            return;
        }

        connection.Items[AcceptedKey] = AcceptedKey;
        await next(connection).ConfigureAwait(false);
    };
}
