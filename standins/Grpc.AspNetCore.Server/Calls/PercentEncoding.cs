using System.Buffers;
using System.Text;

namespace Grpc.AspNetCore.Server.Calls;

/// <summary>
/// The encoding of <c>grpc-message</c>: UTF-8, in which all bytes but the printable ASCII ones, and the percent sign, are
/// written as <c>%XX</c> in upper case.
/// </summary>
internal static class PercentEncoding
{
    private static readonly SearchValues<char> Unchanged = SearchValues.Create(
        string.Concat(Enumerable.Range(0x20, 0x7F - 0x20).Select(c => (char)c)).Replace("%", string.Empty, StringComparison.Ordinal));

    public static string Encode(string text)
    {
        var first = text.AsSpan().IndexOfAnyExcept(Unchanged);
        return first < 0 ? text : EncodeFrom(text, first);
    }

    private static string EncodeFrom(string text, int first)
    {
        var encoded = new StringBuilder(text.Length + 16).Append(text, 0, first);
        foreach (var octet in Encoding.UTF8.GetBytes(text[first..]))
        {
            if (octet is >= 0x20 and < 0x7F and not (byte)'%')
            {
                encoded.Append((char)octet);
            }
            else
            {
                encoded.Append('%').Append(Hex(octet >> 4)).Append(Hex(octet & 0xF));
            }
        }

        return encoded.ToString();
    }

    private static char Hex(int digit) => (char)(digit < 10 ? '0' + digit : 'A' + digit - 10);
}
