using Grpc.Core;

namespace Grpc.AspNetCore.Server.Calls;

/// <summary>The value of a <c>-bin</c> header: base64, sent without padding and taken with or without it.</summary>
internal static class BinaryHeader
{
    public static string Encode(ReadOnlySpan<byte> value) => Convert.ToBase64String(value).TrimEnd('=');

    /// <summary>Reads a header, which may carry several values with commas between them.</summary>
    public static void Decode(string name, string value, Metadata target)
    {
        foreach (var range in value.AsSpan().Split(','))
        {
            target.Add(name, DecodeOne(name, value.AsSpan(range).Trim()));
        }
    }

    private static byte[] DecodeOne(string name, ReadOnlySpan<char> text)
    {
        var unpadded = text.TrimEnd('=');
        Span<char> padding = ['=', '=', '='];
        var padded = string.Concat(unpadded, padding[..((4 - (unpadded.Length % 4)) % 4)]);
        try
        {
            return Convert.FromBase64String(padded);
        }
        catch (FormatException)
        {
            throw GrpcErrors.MalformedBinaryHeader(name);
        }
    }
}
