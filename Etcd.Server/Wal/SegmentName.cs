using System.Globalization;

namespace Etcd.Server.Wal;

/// <summary>
/// The name of a segment: its sequence number and the index that its first entry has or will have, both as 16
/// hexadecimal digits, e.g. <c>0000000000000002-00000000000186a1.wal</c>. Ordinal order is sequence order.
/// </summary>
/// <param name="Sequence">From 0, without gaps.</param>
/// <param name="Index">One more than the last index before this segment; 0 for the first.</param>
internal readonly record struct SegmentName(ulong Sequence, ulong Index)
{
    private const int DigitsEach = 16;

    public static bool TryParse(string name, out SegmentName parsed)
    {
        parsed = default;
        if (name.Length != (2 * DigitsEach) + 1 + WalFormat.SegmentExtension.Length
            || name[DigitsEach] != '-'
            || !name.EndsWith(WalFormat.SegmentExtension, StringComparison.Ordinal)
            || !TryParseHex(name.AsSpan(0, DigitsEach), out ulong sequence)
            || !TryParseHex(name.AsSpan(DigitsEach + 1, DigitsEach), out ulong index))
        {
            return false;
        }

        parsed = new SegmentName(sequence, index);
        return true;
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Sequence:x16}-{Index:x16}{WalFormat.SegmentExtension}");

    private static bool TryParseHex(ReadOnlySpan<char> digits, out ulong value) =>
        ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
