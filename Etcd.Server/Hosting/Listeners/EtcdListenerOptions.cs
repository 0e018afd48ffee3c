namespace Etcd.Server.Hosting.Listeners;

/// <summary>The limits of the one-port listener.</summary>
public sealed class EtcdListenerOptions
{
    /// <summary>
    /// How long a client may take to send the bytes that tell its protocol. After that the connection is closed:
    /// a client that connects and stays silent must not hold a socket for ever.
    /// </summary>
    public TimeSpan FirstBytesTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How many connections may be in that state at once. The one that has waited longest is closed in favour of
    /// a new one, so a flood of silent connections cannot keep real clients out.
    /// </summary>
    public int SilentConnectionsMax { get; set; } = 1024;

    /// <summary>
    /// How long after the start of a stop the calls that are still running may take to end. Then their
    /// connections are aborted; a watch would otherwise keep the server alive for as long as its client likes.
    /// </summary>
    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromMilliseconds(500);
}
