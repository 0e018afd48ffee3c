using System.Globalization;
using System.Text;
using Etcd.Server.Primitives;

namespace Etcd.Server.Api.Concurrency;

/// <summary>
/// The keys of those who want the same lock or the same election, as etcd's client libraries lay them out: the name, a slash, and
/// the lease in hexadecimal digits. Who has created its key first is first: <c>jobs/694d7dc9c1b2f00a</c>.
/// </summary>
internal sealed class Line
{
    private const byte Slash = (byte)'/';

    /// <summary>The line of a name.</summary>
    /// <param name="name">The name; may be empty.</param>
    public Line(ReadOnlySpan<byte> name)
    {
        Prefix = [.. name, Slash];
        // The first key behind all that begin with the prefix.
        End = [.. name, Slash + 1];
    }

    /// <summary>What all keys of the line begin with.</summary>
    public byte[] Prefix { get; }

    /// <summary>The first key that is beyond the line.</summary>
    public byte[] End { get; }

    /// <summary>The key of a lease.</summary>
    /// <param name="lease">The lease; a negative id has a sign, as Go writes it.</param>
    public byte[] KeyOf(LeaseId lease)
    {
        string digits = lease.Value >= 0
            ? lease.Value.ToString("x", CultureInfo.InvariantCulture)
            : "-" + unchecked((ulong)-lease.Value).ToString("x", CultureInfo.InvariantCulture);
        return [.. Prefix, .. Encoding.ASCII.GetBytes(digits)];
    }
}
