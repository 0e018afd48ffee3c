using System.Security.Cryptography;
using Etcd.Server.Io;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;

namespace Etcd.Server.Hosting.Upkeep.Integrity;

/// <summary>
/// Brings another member's state into a file of this member's snapshot folder. The file is never durable, and goes with its use or at the
/// next start: what lasts is what the store makes of it. One at a time.
/// </summary>
/// <param name="files">The disk.</param>
/// <param name="folder">The folder.</param>
/// <param name="calls">The way to the others.</param>
/// <param name="clock">The time.</param>
internal sealed class StateDownload(IFileSystem files, string folder, IPeerCalls calls, TimeProvider clock)
{
    // The name of what a restart removes.
    private const string FileName = "repair.tmp";
    private const int HashBytes = 32;
    private const int BufferBytes = 256 * 1024;

    // A round of reads that finds no quorum takes as long as a request may.
    private static readonly TimeSpan HeadTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Stall = TimeSpan.FromMilliseconds(Limits.PeerSnapshotStallMilliseconds);

    /// <summary>Takes a member's state.</summary>
    /// <param name="urls">Its peer URLs.</param>
    /// <param name="begun">Called when it is known where the state stands, before its content comes.</param>
    /// <param name="stop">The member stops.</param>
    /// <returns>The state; the caller disposes it.</returns>
    /// <exception cref="IOException">It cannot be had, is not what was sent, or cannot be stored.</exception>
    public async Task<Received> FromAsync(IReadOnlyList<string> urls, Action<LogIndex> begun, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
        using ITimer timer = clock.CreateTimer(static l => ((CancellationTokenSource)l!).Cancel(), limit, HeadTimeout, Timeout.InfiniteTimeSpan);
        using PeerState state = await calls.StateAsync(urls, either.Token).ConfigureAwait(false);
        timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        begun(state.Index);
        string path = Path.Combine(folder, FileName);
        var received = new Received(files, path, state.Index, state.Term);
        try
        {
            received.Bytes = await SaveAsync(state.Content, path, stop).ConfigureAwait(false);
            return received;
        }
        catch
        {
            received.Dispose();
            throw;
        }
    }

    private async Task<long> SaveAsync(Stream content, string path, CancellationToken stop)
    {
        using IDataFile file = files.Open(path, FileOpenMode.CreateOrTruncate);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferBytes];
        long written = 0;
        int held = 0;
        while (true)
        {
            int read = await content.ReadAsync(buffer.AsMemory(held), stop).AsTask().WaitAsync(Stall, clock, stop).ConfigureAwait(false);
            if (read == 0)
            {
                break;
            }

            held += read;
            // The last bytes are the hash, whenever they come.
            int ready = held - HashBytes;
            if (ready <= 0)
            {
                continue;
            }

            file.WriteAt(buffer.AsSpan(0, ready), written);
            hash.AppendData(buffer, 0, ready);
            written += ready;
            buffer.AsSpan(ready, HashBytes).CopyTo(buffer);
            held = HashBytes;
        }

        return held == HashBytes && buffer.AsSpan(0, HashBytes).SequenceEqual(hash.GetHashAndReset())
            ? written
            : throw new PeerCallException("the state that has arrived is not the one that was sent");
    }

    /// <summary>A state that has arrived; disposed of, its file goes.</summary>
    internal sealed class Received(IFileSystem files, string path, LogIndex index, Term term) : IDisposable
    {
        /// <summary>The last entry that is in it.</summary>
        public LogIndex Index { get; } = index;

        /// <summary>That entry's term.</summary>
        public Term Term { get; } = term;

        /// <summary>Its bytes.</summary>
        public long Bytes { get; set; }

        /// <summary>Opens it for reading.</summary>
        public Stream Open() => new DataFileStream(files.Open(path, FileOpenMode.Read));

        /// <inheritdoc/>
        public void Dispose()
        {
            if (files.FileExists(path))
            {
                files.DeleteFile(path);
            }
        }
    }
}
