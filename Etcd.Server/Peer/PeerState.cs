using Etcd.Server.Primitives;

namespace Etcd.Server.Peer;

/// <summary>The whole state of this member, for another one that has lost its own. The SHA-256 of its bytes follows them on the way.</summary>
/// <param name="Index">The last entry that is in it.</param>
/// <param name="Term">That entry's term.</param>
/// <param name="Pieces">
/// The bytes of etcd's database; each piece is valid until the next one. The way to the first goes through all records.
/// </param>
/// <param name="Pinned">What holds the state; disposed with this.</param>
public sealed record PeerStateSource(LogIndex Index, Term Term, IEnumerable<ReadOnlyMemory<byte>> Pieces, IDisposable Pinned) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Pinned.Dispose();
}

/// <summary>The state of another member as it arrives.</summary>
/// <param name="Index">The last entry that is in it.</param>
/// <param name="Term">That entry's term.</param>
/// <param name="Content">Etcd's database, and the 32 bytes of its SHA-256 at the end.</param>
/// <param name="Answer">What they come from; disposed with this.</param>
public sealed record PeerState(LogIndex Index, Term Term, Stream Content, IDisposable Answer) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Content.Dispose();
        Answer.Dispose();
    }
}
