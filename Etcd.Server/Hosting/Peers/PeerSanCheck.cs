using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// Whether a member connects from where its certificate says that it lives: from one of its addresses, or from a host of one of its
/// names (etcd's check of peers, --peer-skip-client-san-verification). A certificate that names no host may come from anywhere.
/// Any thread.
/// </summary>
/// <param name="namesOf">Finds the names of an address.</param>
/// <param name="addressesOf">Finds the addresses of a name.</param>
internal sealed class PeerSanCheck(
    Func<IPAddress, CancellationToken, Task<IReadOnlyList<string>>> namesOf, Func<string, CancellationToken, Task<IPAddress[]>> addressesOf)
{
    /// <summary>The one that asks the system's resolver.</summary>
    public static PeerSanCheck OfSystem { get; } = new(
        static async (address, stop) =>
        {
            IPHostEntry entry = await Dns.GetHostEntryAsync(address.ToString(), stop).ConfigureAwait(false);
            return [entry.HostName, .. entry.Aliases];
        },
        static (name, stop) => Dns.GetHostAddressesAsync(name, stop));

    /// <summary>Why the connection is refused; null if it is not.</summary>
    /// <param name="certificate">The member's certificate.</param>
    /// <param name="remote">Where it connects from; that of a unix socket says nothing.</param>
    /// <param name="cancellation">The connection is gone.</param>
    public async Task<string?> RefuseAsync(X509Certificate2 certificate, EndPoint? remote, CancellationToken cancellation)
    {
        X509SubjectAlternativeNameExtension? names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        IPAddress[] addresses = [.. names?.EnumerateIPAddresses() ?? []];
        string[] hosts = [.. names?.EnumerateDnsNames() ?? []];
        if (remote is not IPEndPoint { Address: var from } || (addresses.Length == 0 && hosts.Length == 0))
        {
            return null;
        }

        from = from.IsIPv4MappedToIPv6 ? from.MapToIPv4() : from;
        if (addresses.Contains(from))
        {
            return null;
        }

        if (hosts.Length == 0)
        {
            return $"x509: certificate is valid for {string.Join(", ", addresses.Select(a => a.ToString()))}, not {from}";
        }

        (bool found, string? failure) = await IsHostAsync(from, hosts, cancellation).ConfigureAwait(false);
        return found ? null
            : $"tls: \"{from}\" does not match any of DNSNames [{string.Join(' ', hosts.Select(h => $"\"{h}\""))}]"
                + (failure is null ? "" : $" ({failure})");
    }

    private async Task<(bool Found, string? Failure)> IsHostAsync(IPAddress from, string[] hosts, CancellationToken cancellation)
    {
        string[] wildcards = [.. hosts.Where(h => h.StartsWith("*.", StringComparison.Ordinal)).Select(h => h[1..])];
        string[] names = [.. hosts.Where(h => !h.StartsWith("*.", StringComparison.Ordinal))];
        string? failure = null;
        try
        {
            IEnumerable<string> theirs = (await namesOf(from, cancellation).ConfigureAwait(false)).Select(n => n.TrimEnd('.'));
            if (theirs.Any(n => names.Contains(n, StringComparer.Ordinal) || wildcards.Any(w => n.EndsWith(w, StringComparison.Ordinal))))
            {
                return (true, null);
            }
        }
        catch (SocketException e)
        {
            failure = e.Message;
        }

        foreach (string name in names)
        {
            try
            {
                if ((await addressesOf(name, cancellation).ConfigureAwait(false)).Contains(from))
                {
                    return (true, null);
                }
            }
            catch (Exception e) when (e is SocketException or ArgumentException)
            {
                failure = e.Message;
            }
        }

        return (false, failure);
    }
}
