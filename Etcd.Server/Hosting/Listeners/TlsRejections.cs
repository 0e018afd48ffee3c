using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>
/// Logs the connections whose TLS handshake failed. Kestrel tells of them at debug level only and ends them without an
/// exception, so two steps stand around its TLS: a connection that passes the outer and not the inner was rejected.
/// </summary>
internal static class TlsRejections
{
    private static readonly object AcceptedKey = new();

    /// <summary>The step outside TLS.</summary>
    public static Func<ConnectionDelegate, ConnectionDelegate> Logged(IServiceProvider services)
    {
        ILogger logger = services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(TlsRejections).FullName!);
        return next => async connection =>
        {
            await next(connection).ConfigureAwait(false);
            if (!connection.Items.ContainsKey(AcceptedKey))
            {
                ListenerLog.Rejected(logger, connection.RemoteEndPoint?.ToString() ?? "");
            }
        };
    }

    /// <summary>The step inside TLS.</summary>
    public static ConnectionDelegate Accepted(ConnectionDelegate next) => connection =>
    {
        connection.Items[AcceptedKey] = AcceptedKey;
        return next(connection);
    };
}
