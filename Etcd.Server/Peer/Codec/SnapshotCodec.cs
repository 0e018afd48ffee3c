using Etcd.Protocol.Wire;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Peer.Codec;

/// <summary>
/// raftpb.Snapshot: 1 data, 2 metadata (1 conf_state, 2 index, 3 term); raftpb.ConfState: 1 voters, 2 learners, each a plain
/// repeated varint, 5 auto_leave. Not on a hot path: one is sent when a follower is far behind.
/// </summary>
internal static class SnapshotCodec
{
    private const uint VotersTag = 0x08;
    private const uint VotersPackedTag = 0x0a;
    private const uint LearnersTag = 0x10;
    private const uint LearnersPackedTag = 0x12;

    /// <summary>How many bytes <see cref="Write"/> takes.</summary>
    public static int Size(Snapshot snapshot)
    {
        int size = ProtoWriter.BytesFieldSize(2, MetadataSize(snapshot));
        return snapshot.Data.IsEmpty ? size : size + ProtoWriter.BytesFieldSize(1, snapshot.Data.Length);
    }

    /// <summary>Encodes; returns the length.</summary>
    public static int Write(Span<byte> to, Snapshot snapshot)
    {
        int at = snapshot.Data.IsEmpty ? 0 : ProtoWriter.WriteBytesField(to, 1, snapshot.Data.Span);
        at += ProtoWriter.WriteLengthPrefix(to[at..], 2, MetadataSize(snapshot));
        at += ProtoWriter.WriteLengthPrefix(to[at..], 1, ConfStateSize(snapshot.Configuration));
        foreach (MemberId voter in snapshot.Configuration.Voters)
        {
            at += ProtoWriter.WriteVarintField(to[at..], 1, voter.Value);
        }

        foreach (MemberId learner in snapshot.Configuration.Learners)
        {
            at += ProtoWriter.WriteVarintField(to[at..], 2, learner.Value);
        }

        at += ProtoWriter.WriteBoolField(to[at..], 5, false);
        at += ProtoWriter.WriteVarintField(to[at..], 2, snapshot.Index.Value);
        return at + ProtoWriter.WriteVarintField(to[at..], 3, snapshot.Term.Value);
    }

    /// <summary>Decodes a snapshot whose data is a slice of the given bytes.</summary>
    /// <exception cref="ProtoFormatException">It is no message.</exception>
    public static Snapshot Read(ReadOnlyMemory<byte> from)
    {
        var reader = new ProtoReader(from.Span);
        ReadOnlyMemory<byte> data = default;
        ulong index = 0, term = 0;
        ConfState configuration = ConfState.Empty;
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case 0x0a:
                    int length = reader.ReadBytes(out int offset).Length;
                    data = from.Slice(offset, length);
                    break;
                case 0x12:
                    ReadMetadata(reader.ReadMessage(), ref index, ref term, ref configuration);
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }

        return new Snapshot(new LogIndex(index), new Term(term), configuration, data);
    }

    private static int MetadataSize(Snapshot snapshot) =>
        ProtoWriter.BytesFieldSize(1, ConfStateSize(snapshot.Configuration))
        + ProtoWriter.VarintFieldSize(2, snapshot.Index.Value)
        + ProtoWriter.VarintFieldSize(3, snapshot.Term.Value);

    private static int ConfStateSize(ConfState configuration) =>
        configuration.Voters.Sum(id => ProtoWriter.VarintFieldSize(1, id.Value))
        + configuration.Learners.Sum(id => ProtoWriter.VarintFieldSize(2, id.Value))
        + 2;

    private static void ReadMetadata(ProtoReader reader, ref ulong index, ref ulong term, ref ConfState configuration)
    {
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case 0x0a:
                    configuration = ReadConfState(reader.ReadMessage());
                    break;
                case 0x10:
                    index = reader.ReadVarint();
                    break;
                case 0x18:
                    term = reader.ReadVarint();
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }
    }

    private static ConfState ReadConfState(ProtoReader reader)
    {
        List<MemberId> voters = [], learners = [];
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case VotersTag:
                    voters.Add(new MemberId(reader.ReadVarint()));
                    break;
                case LearnersTag:
                    learners.Add(new MemberId(reader.ReadVarint()));
                    break;
                case VotersPackedTag:
                    ReadPacked(reader.ReadMessage(), voters);
                    break;
                case LearnersPackedTag:
                    ReadPacked(reader.ReadMessage(), learners);
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }

        return new ConfState(voters, learners);
    }

    // Readers of proto2 must take a repeated number in its packed form as well.
    private static void ReadPacked(ProtoReader reader, List<MemberId> into)
    {
        while (!reader.IsAtEnd)
        {
            into.Add(new MemberId(reader.ReadVarint()));
        }
    }
}
