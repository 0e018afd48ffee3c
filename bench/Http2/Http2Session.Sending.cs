using System.Buffers.Binary;

namespace Etcd.Bench.Http2;

internal sealed partial class Http2Session
{
    private void WriteSettings()
    {
        const int settingBytes = 6;
        ReadOnlySpan<(SettingId Id, int Value)> settings =
        [
            (SettingId.EnablePush, 0),
            (SettingId.InitialWindowSize, ReceiveWindow),
        ];
        Span<byte> room = WriteFrameHeader(settings.Length * settingBytes, FrameType.Settings, 0, 0);
        foreach ((SettingId id, int value) in settings)
        {
            BinaryPrimitives.WriteUInt16BigEndian(room, (ushort)id);
            BinaryPrimitives.WriteInt32BigEndian(room[2..], value);
            room = room[settingBytes..];
        }
        Output.Commit(settings.Length * settingBytes);
    }

    private void WriteHeaders(int streamId)
    {
        bool useTable = _headerTableSize >= headers.TableSizeMin;
        byte[] block = (useTable, _headersSent) switch
        {
            (true, false) => headers.First,
            (true, true) => headers.Each,
            (false, false) => headers.FirstWithoutTable,
            (false, true) => headers.EachWithoutTable,
        };
        _headersSent = true;
        block.CopyTo(WriteFrameHeader(block.Length, FrameType.Headers, FrameHeader.EndHeaders, streamId));
        Output.Commit(block.Length);
    }

    private void WriteData(Call call, int length)
    {
        bool last = call.Sent + length == call.Message.Length;
        Span<byte> room = WriteFrameHeader(length, FrameType.Data, last ? FrameHeader.EndStream : (byte)0, call.StreamId);
        call.Message.AsSpan(call.Sent, length).CopyTo(room);
        Output.Commit(length);
        call.Sent += length;
        call.SendWindow -= length;
        _sendWindow -= length;
    }

    private void WriteWindowUpdate(int increment)
    {
        BinaryPrimitives.WriteInt32BigEndian(WriteFrameHeader(4, FrameType.WindowUpdate, 0, 0), increment);
        Output.Commit(4);
    }

    /// <summary>Writes the header and returns the room for the payload, which the caller commits.</summary>
    private Span<byte> WriteFrameHeader(int length, FrameType type, byte flags, int streamId)
    {
        Span<byte> room = Output.Reserve(FrameHeader.Size + length);
        FrameHeader.Write(room, length, type, flags, streamId);
        Output.Commit(FrameHeader.Size);
        return room[FrameHeader.Size..];
    }
}
