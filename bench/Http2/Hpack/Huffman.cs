namespace Etcd.Bench.Http2.Hpack;

/// <summary>
/// The Huffman code of RFC 7541, appendix B. That code is canonical (codes of one length are consecutive, in the order
/// of their symbols), so the lengths alone define it, and decoding needs per length only the first code and where its
/// symbols begin.
/// </summary>
internal static class Huffman
{
    private const int EndOfString = 256;
    private const int LengthMax = 30;

    private static ReadOnlySpan<byte> CodeLengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
        28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
        6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
        21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
        19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ];

    // Per code length: its first code, how many codes there are, and where their symbols begin in Symbols.
    private static readonly int[] FirstCode = new int[LengthMax + 1];
    private static readonly int[] CodeCount = new int[LengthMax + 1];
    private static readonly int[] SymbolStart = new int[LengthMax + 1];
    private static readonly ushort[] Symbols = new ushort[EndOfString + 1];

    static Huffman()
    {
        int code = 0, placed = 0;
        for (int length = 1; length <= LengthMax; length++)
        {
            code <<= 1;
            FirstCode[length] = code;
            SymbolStart[length] = placed;
            for (int symbol = 0; symbol <= EndOfString; symbol++)
            {
                if (CodeLengths[symbol] == length)
                    Symbols[placed++] = (ushort)symbol;
            }
            CodeCount[length] = placed - SymbolStart[length];
            code += CodeCount[length];
        }
    }

    /// <summary>The most bytes that <paramref name="encodedLength"/> encoded bytes can stand for: the shortest code has 5 bits.</summary>
    public static int DecodedLengthMax(int encodedLength) => encodedLength * 8 / 5;

    /// <summary>Decodes into <paramref name="destination"/> and returns the number of bytes written.</summary>
    public static int Decode(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        int written = 0, code = 0, length = 0;
        foreach (byte octet in source)
        {
            for (int bit = 7; bit >= 0; bit--)
            {
                code = (code << 1) | ((octet >> bit) & 1);
                length++;
                int offset = code - FirstCode[length];
                if (offset >= CodeCount[length])
                    continue;
                int symbol = Symbols[SymbolStart[length] + offset];
                if (symbol == EndOfString)
                    throw new Http2ProtocolException("HPACK: a Huffman string holds the end-of-string symbol");
                destination[written++] = (byte)symbol;
                code = length = 0;
            }
        }
        CheckPadding(code, length);
        return written;
    }

    // What is left is padding: fewer than eight bits, all ones (the beginning of the end-of-string code).
    private static void CheckPadding(int code, int length)
    {
        if (length > 7 || code != (1 << length) - 1)
            throw new Http2ProtocolException("HPACK: a Huffman string is padded wrongly");
    }
}
