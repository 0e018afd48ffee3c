using Etcd.Protocol.Raftpb;
using Etcd.Protocol.Snappb;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Google.Protobuf;
using ConfState = Etcd.Server.Raft.ConfState;
using Snapshot = Etcd.Server.Raft.Snapshot;

namespace Etcd.Server.Snapshots;

/// <summary>
/// A .snap file's content: snappb.snapshot, that is the CRC-32C of an encoded raftpb.Snapshot, and those bytes.
/// </summary>
internal static class SnapshotCodec
{
    public static byte[] Encode(Snapshot snapshot)
    {
        var conf = new Protocol.Raftpb.ConfState { AutoLeave = false };
        conf.Voters.AddRange(snapshot.Configuration.Voters.Select(id => id.Value));
        conf.Learners.AddRange(snapshot.Configuration.Learners.Select(id => id.Value));
        byte[] data = new Protocol.Raftpb.Snapshot
        {
            Data = ByteString.CopyFrom(snapshot.Data.Span),
            Metadata = new SnapshotMetadata { ConfState = conf, Index = snapshot.Index.Value, Term = snapshot.Term.Value },
        }.ToByteArray();
        return new snapshot { Crc = Crc32C.Append(0, data), Data = UnsafeByteOperations.UnsafeWrap(data) }.ToByteArray();
    }

    /// <summary>Null if the bytes are no such file, or not what was written.</summary>
    public static Snapshot? Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            snapshot file = snapshot.Parser.ParseFrom(bytes);
            if (file.Data.IsEmpty || file.Crc == 0 || Crc32C.Append(0, file.Data.Span) != file.Crc)
            {
                return null;
            }

            Protocol.Raftpb.Snapshot read = Protocol.Raftpb.Snapshot.Parser.ParseFrom(file.Data);
            if (read.Metadata is not { Index: > 0 } metadata)
            {
                return null;
            }

            var conf = new ConfState(
                [.. (metadata.ConfState?.Voters ?? []).Select(id => new MemberId(id))],
                [.. (metadata.ConfState?.Learners ?? []).Select(id => new MemberId(id))]);
            return new Snapshot(new LogIndex(metadata.Index), new Term(metadata.Term), conf, read.Data.Memory);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
