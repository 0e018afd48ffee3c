using System.Buffers.Binary;

namespace Etcd.Server.Tests.Hosting.Listeners;

/// <summary>One HTTP/2 frame as it is on the wire.</summary>
internal sealed record Http2Frame(byte Type, byte Flags, int StreamId, byte[] Payload)
{
    public const byte Settings = 4;
    public const byte Ping = 6;
    public const byte GoAway = 7;
    public const byte WindowUpdate = 8;

    /// <summary>The value of a setting in a SETTINGS frame.</summary>
    public uint? Setting(ushort id)
    {
        for (var i = 0; i + 6 <= Payload.Length; i += 6)
        {
            if (BinaryPrimitives.ReadUInt16BigEndian(Payload.AsSpan(i)) == id)
            {
                return BinaryPrimitives.ReadUInt32BigEndian(Payload.AsSpan(i + 2));
            }
        }

        return null;
    }
}

/// <summary>Reads and writes frames by hand.</summary>
internal static class Http2Frames
{
    public static byte[] Preface { get; } = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    public static byte[] EmptySettings { get; } = [0, 0, 0, Http2Frame.Settings, 0, 0, 0, 0, 0];

    public static async Task<Http2Frame> ReadFrameAsync(this Stream stream, CancellationToken cancellationToken)
    {
        var header = new byte[9];
        await stream.ReadExactlyAsync(header, cancellationToken);
        var payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
        await stream.ReadExactlyAsync(payload, cancellationToken);
        return new Http2Frame(header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)) & int.MaxValue, payload);
    }

    public static async Task<Http2Frame> ReadFrameAsync(this Stream stream, byte type, CancellationToken cancellationToken)
    {
        Http2Frame frame;
        do
        {
            frame = await stream.ReadFrameAsync(cancellationToken);
        }
        while (frame.Type != type || (frame.Type == Http2Frame.Settings && frame.Flags == 1));
        return frame;
    }
}
