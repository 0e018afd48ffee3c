using System.Text;

namespace Grpc.Net.Client.Internal.Http;

/// <summary>Reads a grpc-message: UTF-8 in which bytes outside of printable ASCII, and '%', are written as %XX.</summary>
internal static class PercentDecoder
{
    /// <summary>Decodes; a '%' without two hexadecimal digits stays as it is, since a text for humans is worth showing.</summary>
    public static string Decode(string value) => value.Contains('%') ? DecodeEscapes(value) : value;

    private static string DecodeEscapes(string value)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(value.Length)];
        var length = 0;
        for (var i = 0; i < value.Length;)
        {
            if (value[i] == '%' && i + 2 < value.Length && char.IsAsciiHexDigit(value[i + 1]) && char.IsAsciiHexDigit(value[i + 2]))
            {
                bytes[length++] = (byte)((FromHex(value[i + 1]) << 4) | FromHex(value[i + 2]));
                i += 3;
                continue;
            }

            // A run up to the next escape at once, so that a surrogate pair is not cut.
            var next = value.IndexOf('%', i + 1);
            var run = value.AsSpan(i, (next < 0 ? value.Length : next) - i);
            length += Encoding.UTF8.GetBytes(run, bytes.AsSpan(length));
            i += run.Length;
        }

        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    private static int FromHex(char digit) => char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
