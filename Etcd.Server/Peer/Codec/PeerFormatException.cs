namespace Etcd.Server.Peer.Codec;

/// <summary>A peer sent bytes that are no message, or more than may be taken. The stream that they came on is of no use any more.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="inner">The cause, if any.</param>
public sealed class PeerFormatException(string message, Exception? inner = null) : FormatException(message, inner)
{
    /// <summary>etcd's text for a message above the limit.</summary>
    public const string TooLarge = "rafthttp: error limit exceeded";
}
