using System.Globalization;

namespace Etcd.Server.Api.Metrics;

/// <summary>
/// Numbers as etcd's exporter writes them (Go's shortest form): <c>0.001</c>, <c>1e-05</c>, <c>8.388608e+06</c>. Values of the label
/// <c>le</c> are compared as texts, so that a query over both kinds of members needs the same.
/// </summary>
internal static class GoNumber
{
    // Go's %g without a precision writes an exponent from this power of ten on, and below the other.
    private const int ExponentFrom = 6;
    private const int ExponentBelow = -4;

    /// <summary>Formats a number.</summary>
    /// <param name="value">The number.</param>
    public static string Format(double value)
    {
        if (double.IsInfinity(value) || double.IsNaN(value))
        {
            return double.IsNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
        }

        if (value == Math.Truncate(value) && Math.Abs(value) < 1e6)
        {
            return ((long)value).ToString(CultureInfo.InvariantCulture);
        }

        // d.ddde+dd with as few digits as tell this number from its neighbours.
        string shortest = value.ToString("E16", CultureInfo.InvariantCulture);
        string roundTrip = value.ToString("R", CultureInfo.InvariantCulture);
        int exponent = int.Parse(shortest.AsSpan(shortest.IndexOf('E', StringComparison.Ordinal) + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string digits = Digits(roundTrip);
        string sign = value < 0 ? "-" : "";
        return exponent is < ExponentBelow or >= ExponentFrom
            ? sign + Scientific(digits, exponent)
            : sign + Plain(digits, exponent);
    }

    private static string Digits(string number)
    {
        int end = number.IndexOf('E', StringComparison.Ordinal);
        string digits = (end < 0 ? number : number[..end]).Replace(".", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);
        digits = digits.TrimStart('0').TrimEnd('0');
        return digits.Length == 0 ? "0" : digits;
    }

    private static string Scientific(string digits, int exponent)
    {
        string mantissa = digits.Length == 1 ? digits : digits[..1] + "." + digits[1..];
        string sign = exponent < 0 ? "-" : "+";
        return mantissa + "e" + sign + Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture);
    }

    private static string Plain(string digits, int exponent)
    {
        if (exponent < 0)
        {
            return "0." + new string('0', -exponent - 1) + digits;
        }

        return digits.Length <= exponent + 1
            ? digits.PadRight(exponent + 1, '0')
            : digits[..(exponent + 1)] + "." + digits[(exponent + 1)..];
    }
}
