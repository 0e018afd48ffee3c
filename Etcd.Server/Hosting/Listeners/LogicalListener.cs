using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>One protocol's share of a <see cref="SharedListener"/>, as Kestrel sees it.</summary>
internal sealed class LogicalListener(SharedListener shared, WireProtocol protocol, ChannelReader<ConnectionContext> queue) : IConnectionListener
{
    public EndPoint EndPoint => shared.Address;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await queue.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (queue.TryRead(out var connection))
            {
                return connection;
            }
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => shared.ReleaseAsync(protocol, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await shared.ReleaseAsync(protocol, CancellationToken.None).ConfigureAwait(false);
        await shared.DisposeAsync().ConfigureAwait(false);
    }
}
