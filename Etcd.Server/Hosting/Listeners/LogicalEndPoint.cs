using System.Net;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>
/// What Kestrel is told to listen on: one protocol of one socket. Several of these share a <see cref="SocketPlan"/>
/// and so a port; only <see cref="EtcdListenerFactory"/> binds them.
/// </summary>
internal sealed class LogicalEndPoint(SocketPlan plan, WireProtocol protocol) : EndPoint
{
    public SocketPlan Plan { get; } = plan;

    public WireProtocol Protocol { get; } = protocol;

    // Kestrel names the endpoint in its messages by this text.
    public override string ToString() => Plan.ToString();
}
