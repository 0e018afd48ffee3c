using System.Security.Cryptography;
using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;

namespace Etcd.Client;

/// <summary>
/// The bytes of a snapshot while they come: etcd's database file, and behind it the SHA-256 of it, as etcdctl writes them too. At the end they
/// are checked. It is read by its asynchronous methods, by one reader.
/// </summary>
/// <example>
/// <code>
/// await using EtcdSnapshotStream snapshot = await client.Maintenance.SnapshotAsync();
/// await using FileStream file = File.Create("backup.db");
/// await snapshot.CopyToAsync(file);   // fails where the hash does not fit
/// </code>
/// </example>
public sealed class EtcdSnapshotStream : Stream
{
    private const int PageBytes = 512;

    private readonly EtcdConnection _connection;
    private readonly Endpoint _endpoint;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _tail = new byte[SHA256.HashSizeInBytes];
    private AsyncServerStreamingCall<SnapshotResponse>? _call;
    private ReadOnlyMemory<byte> _chunk;
    private int _tailBytes;
    private long _total;
    private bool _ended;
    private bool _disposed;

    internal EtcdSnapshotStream(EtcdConnection connection, Endpoint endpoint)
    {
        _connection = connection;
        _endpoint = endpoint;
    }

    /// <summary>The version of the member's storage, such as 3.6.0; empty where the member does not say (before v3.6).</summary>
    public string Version { get; private set; } = "";

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <summary>How many bytes were read.</summary>
    public override long Position
    {
        get => _total - _chunk.Length;
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    /// <exception cref="EtcdException">The connection was lost, or what came is not what was sent.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        while (_chunk.IsEmpty)
            if (_ended || !await MoveAsync(cancellationToken).ConfigureAwait(false))
                return 0;
        int count = Math.Min(buffer.Length, _chunk.Length);
        _chunk[..count].CopyTo(buffer);
        _chunk = _chunk[count..];
        return count;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Not there: it would block a thread for as long as the network takes.</summary>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read a snapshot by ReadAsync or CopyToAsync.");

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>Begins the call, and waits for the first bytes.</summary>
    internal async ValueTask OpenAsync(bool requireLeader, DateTime deadline, CancellationToken cancellation)
    {
        (CallHeaders headers, CallOptions options) =
            await _connection.Caller.StreamOptionsAsync(requireLeader, CancellationToken.None).ConfigureAwait(false);
        _call = _endpoint.Invoker.AsyncServerStreamingCall(
            Methods.Snapshot, null, deadline == DateTime.MaxValue ? options : options.WithDeadline(deadline), new SnapshotRequest());
        try
        {
            await MoveAsync(cancellation).ConfigureAwait(false);
        }
        catch (EtcdException e)
        {
            _connection.Caller.NoteFailure(e, _endpoint, headers);
            throw;
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _call?.Dispose();
            _endpoint.Leave();
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask<bool> MoveAsync(CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        try
        {
            if (await _call!.ResponseStream.MoveNext(cancellation).ConfigureAwait(false))
            {
                Take(_call.ResponseStream.Current);
                return true;
            }
        }
        catch (Exception e) when (Caller.Translate(e, _endpoint, changes: false, cancellation) is { } translated)
        {
            throw translated;
        }

        _ended = true;
        Check();
        return false;
    }

    private void Take(SnapshotResponse response)
    {
        if (response.Version.Length != 0)
            Version = response.Version;
        _chunk = response.Blob.Memory;
        _total += _chunk.Length;
        Hash(_chunk.Span);
    }

    // The last bytes of all are the hash, and which are the last shows only at the end.
    private void Hash(ReadOnlySpan<byte> bytes)
    {
        int sure = Math.Max(0, _tailBytes + bytes.Length - _tail.Length);
        int fromTail = Math.Min(sure, _tailBytes);
        _hash.AppendData(_tail.AsSpan(0, fromTail));
        _tail.AsSpan(fromTail, _tailBytes - fromTail).CopyTo(_tail);
        _tailBytes -= fromTail;
        _hash.AppendData(bytes[..(sure - fromTail)]);
        bytes[(sure - fromTail)..].CopyTo(_tail.AsSpan(_tailBytes));
        _tailBytes += bytes.Length - (sure - fromTail);
    }

    private void Check()
    {
        // A database is whole pages, so that a file without a hash behind it shows by its length.
        if (_total % PageBytes != SHA256.HashSizeInBytes || !_hash.GetHashAndReset().AsSpan().SequenceEqual(_tail))
            throw new EtcdException($"The snapshot of {_total} bytes from {_endpoint.Address.Text} is not what its hash says.");
    }
}
