using Etcd.Server.Raft;

namespace Etcd.Server.Peer.Codec;

/// <summary>What the head of a stream's bytes is.</summary>
internal enum StreamItem
{
    /// <summary>Only the beginning of something; more must arrive first.</summary>
    Incomplete,

    /// <summary>A sign of life, of which raft learns nothing.</summary>
    LinkHeartbeat,

    /// <summary>A message.</summary>
    Message,
}

/// <summary>Writes messages in the form of one kind of stream. Keeps what both ends know from earlier messages: one per connection.</summary>
internal interface IStreamEncoder
{
    /// <summary>Appends a message.</summary>
    void Encode(in Message message, SendBuffer to);

    /// <summary>Appends a sign of life.</summary>
    void EncodeHeartbeat(SendBuffer to);
}

/// <summary>Reads what an <see cref="IStreamEncoder"/> of the same kind has written. One per connection.</summary>
internal interface IStreamDecoder
{
    /// <summary>Takes the next item off the bytes received. After "incomplete" it is called again with the same bytes and more behind them.</summary>
    /// <param name="received">What has arrived and was not taken.</param>
    /// <param name="taken">How many bytes the item has; 0 if it is incomplete.</param>
    /// <param name="message">The message, whose bytes are its own.</param>
    /// <exception cref="PeerFormatException">These are no such bytes. Nothing that follows has a meaning.</exception>
    StreamItem Decode(ReadOnlySpan<byte> received, out int taken, out Message message);
}
