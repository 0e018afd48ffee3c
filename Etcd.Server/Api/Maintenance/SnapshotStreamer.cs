using System.Diagnostics;
using System.Security.Cryptography;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply.Snapshots;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Server.Api.Maintenance;

/// <summary>
/// Maintenance.Snapshot: the state of this member as a bbolt database, in responses of 32 KiB with the bytes that are still to come,
/// and at the end one with the SHA-256 of all. The state is pinned when the call comes and let go when it ends, however it ends. Writers go
/// on meanwhile; a slow client holds memory of what was overwritten since, and no thread.
/// </summary>
/// <param name="api">The node.</param>
internal sealed class SnapshotStreamer(ApiContext api)
{
    // etcd's: tools count on no more than that a response is small.
    private const int ResponseBytes = 32 * 1024;

    /// <summary>Serves one call.</summary>
    public async Task StreamAsync(IServerStreamWriter<SnapshotResponse> responses, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, api.Stopping);
        using StateExport state = await api.Reads.ExportAsync().ConfigureAwait(false);
        try
        {
            long began = Stopwatch.GetTimestamp();
            await SendAsync(state, responses, either.Token).ConfigureAwait(false);
            api.Figures.Snapshots.Observe(Stopwatch.GetElapsedTime(began));
        }
        catch (OperationCanceledException) when (api.Stopping.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw EtcdErrors.Stopped.ToException();
        }
    }

    private static async Task SendAsync(StateExport state, IServerStreamWriter<SnapshotResponse> responses, CancellationToken cancellation)
    {
        string version = state.StorageVersion ?? "";
        // The first look at the length goes through every record: not on a thread that has connections to serve.
        long remaining = await Task.Run(() => state.Length, cancellation).ConfigureAwait(false);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ReadOnlyMemory<byte> piece in state.Pieces())
        {
            hash.AppendData(piece.Span);
            for (int at = 0; at < piece.Length; at += ResponseBytes)
            {
                ReadOnlyMemory<byte> part = piece.Slice(at, Math.Min(ResponseBytes, piece.Length - at));
                remaining -= part.Length;
                // The bytes are on their way when the write is complete: the piece is not changed before.
                var response = new SnapshotResponse
                {
                    RemainingBytes = (ulong)remaining,
                    Blob = UnsafeByteOperations.UnsafeWrap(part),
                    Version = version,
                };
                await responses.WriteAsync(response, cancellation).ConfigureAwait(false);
            }
        }

        var end = new SnapshotResponse { Blob = UnsafeByteOperations.UnsafeWrap(hash.GetHashAndReset()), Version = version };
        await responses.WriteAsync(end, cancellation).ConfigureAwait(false);
    }
}
