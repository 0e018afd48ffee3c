using System.Buffers;
using System.Buffers.Binary;
using Etcd.Server.Watch;

namespace Etcd.Server.Api.Watches;

/// <summary>
/// Writes responses as gRPC's messages: a zero (not compressed), the length in four bytes, big-endian, and the message.
/// Responses that differ in the watch's id only are written one behind the other, each as four copies, into a buffer that is asked
/// for once for as many as fit.
/// </summary>
internal static class WatchFrames
{
    private const int PrefixBytes = 5;

    // Tag and length, and four numbers with their tags.
    private const int HeadBytesMax = 2 + (4 * 11);

    // The prefix, and the id with its tag.
    private const int OtherBytesMax = PrefixBytes + 11;

    // What a buffer of Kestrel's pool holds. More would be set aside, and given back, each time.
    private const int BufferBytes = 4096;

    /// <summary>Writes some responses.</summary>
    /// <param name="output">Where.</param>
    /// <param name="share">The responses.</param>
    /// <param name="header">The rest of their headers.</param>
    /// <returns>The messages' bytes, without what stands before them.</returns>
    public static long Write(IBufferWriter<byte> output, in WatchShare share, in WatchHeader header)
    {
        if (share.Single is { } single)
        {
            return WriteSingle(output, single, header);
        }

        if (share.Run!.EncodedFor(share.Count) is not { } events)
        {
            return WriteEach(output, share, header);
        }

        Span<byte> head = stackalloc byte[HeadBytesMax];
        var wire = new WatchWire(head);
        WatchBatch.WriteHeader(ref wire, header, share.Revision);
        return WriteShared(output, head[..wire.Written], share.Ids, events);
    }

    private static long WriteSingle(IBufferWriter<byte> output, WatchBatch batch, in WatchHeader header)
    {
        int length = batch.ComputeSize(header);
        WritePrefix(output.GetSpan(PrefixBytes), length);
        output.Advance(PrefixBytes);
        batch.WriteTo(output, header);
        return length;
    }

    private static long WriteEach(IBufferWriter<byte> output, in WatchShare share, in WatchHeader header)
    {
        long messages = 0;
        for (int i = 0; i < share.Count; i++)
        {
            messages += WriteSingle(output, share.Skip(i).ToBatch(), header);
        }

        return messages;
    }

    private static long WriteShared(IBufferWriter<byte> output, ReadOnlySpan<byte> head, ReadOnlySpan<long> ids, ReadOnlySpan<byte> events)
    {
        int most = OtherBytesMax + head.Length + events.Length;
        bool eventsFit = most <= BufferBytes;
        if (!eventsFit)
        {
            most -= events.Length;
        }

        long messages = 0;
        Span<byte> span = default;
        int at = 0;
        foreach (long id in ids)
        {
            if (span.Length - at < most)
            {
                Advance(output, at);
                span = output.GetSpan(most);
                at = 0;
            }

            int length = head.Length + WatchWire.VarintFieldSize((ulong)id) + events.Length;
            at += WriteHead(span[at..], length, head, id);
            messages += length;
            if (eventsFit)
            {
                events.CopyTo(span[at..]);
                at += events.Length;
            }
            else
            {
                Advance(output, at);
                output.Write(events);
                span = default;
                at = 0;
            }
        }

        Advance(output, at);
        return messages;
    }

    private static int WriteHead(Span<byte> target, int length, ReadOnlySpan<byte> head, long id)
    {
        WritePrefix(target, length);
        head.CopyTo(target[PrefixBytes..]);
        int at = PrefixBytes + head.Length;
        var wire = new WatchWire(target[at..]);
        wire.VarintUnlessZero(WatchWire.WatchIdTag, (ulong)id);
        return at + wire.Written;
    }

    private static void WritePrefix(Span<byte> target, int length)
    {
        target[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(target[1..], length);
    }

    private static void Advance(IBufferWriter<byte> output, int count)
    {
        if (count > 0)
        {
            output.Advance(count);
        }
    }
}
