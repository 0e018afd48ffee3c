using System.Buffers.Binary;
using System.Text;
using Etcd.Bench.Http2.Hpack;

namespace Etcd.Bench.Http2;

internal sealed partial class Http2Session
{
    private readonly HpackDecoder _decoder = new();
    private readonly ByteBuffer _headerBlock = new(1024);
    private FrameHeader _blockStart;
    private bool _blockOpen;

    private int _headerTableSize = HpackDecoder.DefaultTableCapacity;
    private long _initialSendWindow = InitialWindow;
    private int _frameBytesMax = FrameBytesMax;
    private long _streamsMax = uint.MaxValue;

    /// <summary>Handles every whole frame of <see cref="Input"/>; the rest waits for more bytes.</summary>
    public void Process()
    {
        while (Input.Length >= FrameHeader.Size)
        {
            ReadOnlySpan<byte> bytes = Input.Written;
            FrameHeader frame = FrameHeader.Read(bytes);
            if (frame.Length > FrameBytesMax)
                throw new Http2ProtocolException($"a frame of {frame.Length} bytes");
            if (bytes.Length < FrameHeader.Size + frame.Length)
                break;
            OnFrame(frame, bytes.Slice(FrameHeader.Size, frame.Length));
            Input.Consume(FrameHeader.Size + frame.Length);
        }
        SendWaiting();
    }

    private void OnFrame(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        if (_blockOpen && frame.Type != FrameType.Continuation)
            throw new Http2ProtocolException($"{frame.Type} inside a header block");
        if (!Ready && frame.Type != FrameType.Settings)
            throw new Http2ProtocolException($"{frame.Type} before the server's settings");
        switch (frame.Type)
        {
            case FrameType.Data:
                OnData(frame, payload);
                break;
            case FrameType.Headers:
                OnHeaders(frame, payload);
                break;
            case FrameType.Continuation:
                OnContinuation(frame, payload);
                break;
            case FrameType.ResetStream:
                OnResetStream(frame, payload);
                break;
            case FrameType.Settings:
                OnSettings(frame, payload);
                break;
            case FrameType.Ping:
                OnPing(frame, payload);
                break;
            case FrameType.GoAway:
                OnGoAway(payload);
                break;
            case FrameType.WindowUpdate:
                OnWindowUpdate(frame, payload);
                break;
            case FrameType.PushPromise:
                throw new Http2ProtocolException("PUSH_PROMISE, though push is off");
            default:
                // PRIORITY says nothing to a client, and unknown types are to be ignored (RFC 9113, section 5.5).
                break;
        }
    }

    private void OnData(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        // The whole payload counts against the window, padding included, also on streams that are gone.
        _consumed += frame.Length;
        if (_consumed >= ReceiveWindowRefill)
        {
            WriteWindowUpdate(_consumed);
            _consumed = 0;
        }
        if (!_calls.TryGetValue(frame.StreamId, out Call? call))
            return;
        call.OnData(WithoutPadding(frame, payload));
        if (frame.Has(FrameHeader.EndStream))
            Complete(call, call.Verify());
    }

    private void OnHeaders(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        ReadOnlySpan<byte> block = WithoutPadding(frame, payload);
        if (frame.Has(FrameHeader.HasPriority))
            block = Skip(block, 5);
        if (frame.Has(FrameHeader.EndHeaders))
        {
            OnHeaderBlock(frame, block);
            return;
        }
        _blockStart = frame;
        _blockOpen = true;
        _headerBlock.Write(block);
    }

    private void OnContinuation(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        if (!_blockOpen || frame.StreamId != _blockStart.StreamId)
            throw new Http2ProtocolException("CONTINUATION without its HEADERS");
        _headerBlock.Write(payload);
        if (!frame.Has(FrameHeader.EndHeaders))
            return;
        _blockOpen = false;
        OnHeaderBlock(_blockStart, _headerBlock.Written);
        _headerBlock.Clear();
    }

    private void OnHeaderBlock(FrameHeader frame, ReadOnlySpan<byte> block)
    {
        if (!_calls.TryGetValue(frame.StreamId, out Call? call))
        {
            // Nobody waits for it, but the dynamic table must see it.
            var nobody = default(NoSink);
            _decoder.Decode(block, ref nobody);
            return;
        }
        _decoder.Decode(block, ref call);
        if (frame.Has(FrameHeader.EndStream))
            Complete(call, call.Verify());
    }

    private void OnResetStream(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        RequireLength(frame, 4);
        if (_calls.TryGetValue(frame.StreamId, out Call? call))
            Complete(call, $"RST_STREAM with code {BinaryPrimitives.ReadUInt32BigEndian(payload)}");
    }

    private void OnPing(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        RequireLength(frame, 8);
        if (frame.Has(FrameHeader.Ack))
            return;
        payload.CopyTo(WriteFrameHeader(8, FrameType.Ping, FrameHeader.Ack, 0));
        Output.Commit(8);
    }

    private void OnGoAway(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < 8)
            throw new Http2ProtocolException("GOAWAY that is too short");
        int lastStreamId = BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
        uint code = BinaryPrimitives.ReadUInt32BigEndian(payload[4..]);
        string reason = $"GOAWAY with code {code} {Encoding.UTF8.GetString(payload[8..])}".TrimEnd();
        Draining = true;
        foreach (Call call in _calls.Values.Where(call => call.StreamId > lastStreamId).ToArray())
            Complete(call, reason);
        foreach (Call call in _waiting.Where(call => call.StreamId == 0).ToArray())
            observer.OnCompleted(call, reason);
        Call[] partlySent = [.. _waiting.Where(call => _calls.ContainsKey(call.StreamId))];
        _waiting.Clear();
        foreach (Call call in partlySent)
            _waiting.Enqueue(call);
    }

    private void OnWindowUpdate(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        RequireLength(frame, 4);
        int increment = BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
        if (increment == 0)
            throw new Http2ProtocolException("WINDOW_UPDATE by nothing");
        if (frame.StreamId == 0)
            _sendWindow += increment;
        else if (_calls.TryGetValue(frame.StreamId, out Call? call))
            call.SendWindow += increment;
    }

    private void OnSettings(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        if (frame.Has(FrameHeader.Ack))
            return;
        if (payload.Length % 6 != 0)
            throw new Http2ProtocolException("SETTINGS of a broken length");
        for (; payload.Length > 0; payload = payload[6..])
        {
            var id = (SettingId)BinaryPrimitives.ReadUInt16BigEndian(payload);
            ApplySetting(id, BinaryPrimitives.ReadUInt32BigEndian(payload[2..]));
        }
        WriteFrameHeader(0, FrameType.Settings, FrameHeader.Ack, 0);
        Ready = true;
    }

    private void ApplySetting(SettingId id, uint value)
    {
        switch (id)
        {
            case SettingId.HeaderTableSize:
                // The blocks are encoded for one table size; a server that shrinks it later cannot be served.
                if (_headersSent && value < headers.TableSizeMin)
                    throw new Http2ProtocolException($"the header table shrinks to {value} on a live connection");
                _headerTableSize = (int)Math.Min(value, HpackDecoder.DefaultTableCapacity);
                break;
            case SettingId.MaxConcurrentStreams:
                _streamsMax = value;
                break;
            case SettingId.InitialWindowSize:
                foreach (Call call in _calls.Values)
                    call.SendWindow += value - _initialSendWindow;
                _initialSendWindow = value;
                break;
            case SettingId.MaxFrameSize:
                _frameBytesMax = (int)value;
                break;
            default:
                break;
        }
    }

    private static ReadOnlySpan<byte> WithoutPadding(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        if (!frame.Has(FrameHeader.Padded))
            return payload;
        if (payload.IsEmpty || payload[0] >= payload.Length)
            throw new Http2ProtocolException("padding that is longer than its frame");
        return payload[1..^payload[0]];
    }

    private static ReadOnlySpan<byte> Skip(ReadOnlySpan<byte> block, int count) =>
        block.Length >= count ? block[count..] : throw new Http2ProtocolException("HEADERS that is too short");

    private static void RequireLength(FrameHeader frame, int length)
    {
        if (frame.Length != length)
            throw new Http2ProtocolException($"{frame.Type} of {frame.Length} bytes");
    }

    private readonly struct NoSink : IHeaderSink
    {
        public void OnHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
        {
        }
    }
}
