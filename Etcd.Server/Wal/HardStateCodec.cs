using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Wal;

/// <summary>
/// raftpb.HardState: 1 term, 2 vote, 3 commit, all written always. Example, term 2, no vote, commit 4:
/// <c>08 02 10 00 18 04</c>.
/// </summary>
internal static class HardStateCodec
{
    public const int BytesMax = 3 * (1 + Proto.VarintBytesMax);

    public static int Write(Span<byte> to, in HardState state)
    {
        int at = Proto.WriteField(to, 0x08, state.Term.Value);
        at += Proto.WriteField(to[at..], 0x10, state.Vote.Value);
        return at + Proto.WriteField(to[at..], 0x18, state.Commit.Value);
    }

    public static bool TryRead(ReadOnlySpan<byte> from, out HardState state)
    {
        ulong term = 0, vote = 0, commit = 0;
        state = default;
        int at = 0;
        while (at < from.Length)
        {
            if (!Proto.TryReadTag(from, ref at, out int field, out Proto.WireType wire))
            {
                return false;
            }

            bool read = (field, wire) switch
            {
                (1, Proto.WireType.Varint) => Proto.TryReadVarint(from, ref at, out term),
                (2, Proto.WireType.Varint) => Proto.TryReadVarint(from, ref at, out vote),
                (3, Proto.WireType.Varint) => Proto.TryReadVarint(from, ref at, out commit),
                _ => Proto.TrySkip(from, ref at, wire),
            };
            if (!read)
            {
                return false;
            }
        }

        state = new HardState(new Term(term), new MemberId(vote), new LogIndex(commit));
        return true;
    }
}
