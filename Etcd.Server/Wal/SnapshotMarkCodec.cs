using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Wal;

/// <summary>
/// walpb.Snapshot: 1 index, 2 term, 3 conf_state (raftpb.ConfState: 1 voters, 2 learners, each a plain repeated
/// varint, 5 auto_leave). Example, index 7, term 2, voters 1 and 2:
/// <c>08 07 10 02 1a 06 08 01 08 02 28 00</c>.
/// </summary>
internal static class SnapshotMarkCodec
{
    public static byte[] Write(WalSnapshotMark mark)
    {
        byte[] conf = mark.ConfState is null ? [] : WriteConfState(mark.ConfState);
        byte[] buffer = new byte[(3 * (1 + Proto.VarintBytesMax)) + conf.Length];
        int at = Proto.WriteField(buffer, 0x08, mark.Index.Value);
        at += Proto.WriteField(buffer.AsSpan(at), 0x10, mark.Term.Value);
        if (mark.ConfState is not null)
        {
            at += Proto.WriteField(buffer.AsSpan(at), 0x1a, (ulong)conf.Length);
            conf.CopyTo(buffer, at);
            at += conf.Length;
        }

        return buffer[..at];
    }

    public static bool TryRead(ReadOnlySpan<byte> from, out WalSnapshotMark mark)
    {
        ulong index = 0, term = 0;
        ConfState? conf = null;
        mark = WalSnapshotMark.Beginning;
        int at = 0;
        while (at < from.Length)
        {
            if (!Proto.TryReadTag(from, ref at, out int field, out Proto.WireType wire))
            {
                return false;
            }

            bool read = (field, wire) switch
            {
                (1, Proto.WireType.Varint) => Proto.TryReadVarint(from, ref at, out index),
                (2, Proto.WireType.Varint) => Proto.TryReadVarint(from, ref at, out term),
                (3, Proto.WireType.Bytes) => TryReadConfState(from, ref at, out conf),
                _ => Proto.TrySkip(from, ref at, wire),
            };
            if (!read)
            {
                return false;
            }
        }

        mark = new WalSnapshotMark(new LogIndex(index), new Term(term), conf);
        return true;
    }

    private static byte[] WriteConfState(ConfState conf)
    {
        byte[] buffer = new byte[((conf.Voters.Count + conf.Learners.Count) * (1 + Proto.VarintBytesMax)) + 2];
        int at = 0;
        foreach (MemberId voter in conf.Voters)
        {
            at += Proto.WriteField(buffer.AsSpan(at), 0x08, voter.Value);
        }

        foreach (MemberId learner in conf.Learners)
        {
            at += Proto.WriteField(buffer.AsSpan(at), 0x10, learner.Value);
        }

        at += Proto.WriteField(buffer.AsSpan(at), 0x28, 0);
        return buffer[..at];
    }

    private static bool TryReadConfState(ReadOnlySpan<byte> from, ref int at, out ConfState? conf)
    {
        conf = null;
        if (!Proto.TryReadLength(from, ref at, out int length))
        {
            return false;
        }

        ReadOnlySpan<byte> bytes = from.Slice(at, length);
        at += length;
        List<MemberId> voters = [], learners = [];
        int inner = 0;
        while (inner < bytes.Length)
        {
            if (!Proto.TryReadTag(bytes, ref inner, out int field, out Proto.WireType wire)
                || !TryReadMembers(bytes, ref inner, wire, field switch { 1 => voters, 2 => learners, _ => null }))
            {
                return false;
            }
        }

        conf = new ConfState(voters, learners);
        return true;
    }

    /// <summary>One element, or several in a packed field, which readers of proto2 must take as well.</summary>
    private static bool TryReadMembers(ReadOnlySpan<byte> from, ref int at, Proto.WireType wire, List<MemberId>? members)
    {
        if (members is null || wire is not (Proto.WireType.Varint or Proto.WireType.Bytes))
        {
            return Proto.TrySkip(from, ref at, wire);
        }

        int end = from.Length;
        if (wire == Proto.WireType.Bytes)
        {
            if (!Proto.TryReadLength(from, ref at, out int length))
            {
                return false;
            }

            end = at + length;
        }

        do
        {
            if (at >= end && wire == Proto.WireType.Bytes)
            {
                break;
            }

            if (!Proto.TryReadVarint(from[..end], ref at, out ulong id))
            {
                return false;
            }

            members.Add(new MemberId(id));
        }
        while (wire == Proto.WireType.Bytes);

        return true;
    }
}
