using System.Net;
using Etcd.Server.Hosting.Flags;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Members;

/// <summary>
/// Whether two lists of peer URLs mean the same places, by etcd's rules: in any order, addresses in any notation, and names that
/// lead to the same address; but localhost is a name of its own and never looked up. Names are looked up only where that decides,
/// once each, and again every second while that fails. For one start of a member; one call at a time.
/// </summary>
/// <param name="lookUp">Finds the addresses of a name.</param>
/// <param name="clock">The time.</param>
/// <param name="log">Where look-ups are told.</param>
internal sealed class UrlComparison(Func<string, CancellationToken, Task<IPAddress[]>> lookUp, TimeProvider clock, ILogger log)
{
    /// <summary>How long etcd looks names up before it gives up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, IPAddress> _found = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>One that asks the system's resolver.</summary>
    /// <param name="log">Where look-ups are told.</param>
    public static UrlComparison OfSystem(ILogger log) => new(static (name, stop) => Dns.GetHostAddressesAsync(name, stop), TimeProvider.System, log);

    /// <summary>Compares; null if they mean the same, else in etcd's words why they do not.</summary>
    /// <param name="some">URLs.</param>
    /// <param name="others">URLs.</param>
    /// <param name="cancellation">The time that names may take is over.</param>
    public async Task<string?> DifferenceAsync(IReadOnlyList<string> some, IReadOnlyList<string> others, CancellationToken cancellation)
    {
        if (some.Count != others.Count)
        {
            return $"len({List(some)}) != len({List(others)})";
        }

        Place[] a, b;
        try
        {
            a = Sorted(some.Select(Place.Of));
            b = Sorted(others.Select(Place.Of));
        }
        catch (FormatException e)
        {
            return e.Message;
        }

        if (a.SequenceEqual(b))
        {
            return null;
        }

        try
        {
            a = Sorted(await ResolveAsync(a, cancellation).ConfigureAwait(false));
            b = Sorted(await ResolveAsync(b, cancellation).ConfigureAwait(false));
        }
        catch (LookUpException e)
        {
            return e.Message;
        }

        int different = Enumerable.Range(0, a.Length).FirstOrDefault(i => a[i] != b[i], -1);
        return different < 0 ? null : $"resolved urls: \"{a[different]}\" != \"{b[different]}\"";
    }

    private static Place[] Sorted(IEnumerable<Place> places) => [.. places.OrderBy(p => p.ToString(), StringComparer.Ordinal)];

    private static string List(IReadOnlyList<string> urls) => $"[{string.Join(' ', urls.Select(u => $"\"{u}\""))}]";

    private async Task<Place[]> ResolveAsync(Place[] places, CancellationToken cancellation)
    {
        var resolved = new Place[places.Length];
        for (int i = 0; i < places.Length; i++)
        {
            resolved[i] = await ResolveAsync(places[i], cancellation).ConfigureAwait(false);
        }

        return resolved;
    }

    private async Task<Place> ResolveAsync(Place place, CancellationToken cancellation)
    {
        if (place.Host is "" or "localhost" || IPAddress.TryParse(place.Host, out _))
        {
            return place;
        }

        while (!_found.ContainsKey(place.Host))
        {
            string failure;
            try
            {
                _found[place.Host] = (await lookUp(place.Host, cancellation).ConfigureAwait(false))[0];
                HostingLog.HostResolved(log, place.ToString(), place.Host, _found[place.Host].ToString());
                break;
            }
            catch (Exception e) when (e is System.Net.Sockets.SocketException or OperationCanceledException or ArgumentException or IndexOutOfRangeException)
            {
                failure = e.Message;
            }

            HostingLog.HostNotResolved(log, place.ToString(), place.Host, failure);
            await Task.Delay(RetryInterval, clock, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellation.IsCancellationRequested)
            {
                throw new LookUpException($"failed to resolve \"{place}\" ({failure})");
            }
        }

        return place with { Host = Canonical(_found[place.Host].ToString()) };
    }

    private static string Canonical(string host) => IPAddress.TryParse(host, out IPAddress? address) ? address.ToString() : host;

    /// <summary>What counts of a URL.</summary>
    private sealed record Place(string Scheme, string Host, int Port, string Path)
    {
        public static Place Of(string text)
        {
            EtcdUrl url = EtcdUrl.Parse(text);
            return new Place(url.Scheme, Canonical(url.Host), url.Port, url.Path);
        }

        public override string ToString() => Path.Length > 0 ? $"{Scheme}://{Path}"
            : Host.Contains(':', StringComparison.Ordinal) ? $"{Scheme}://[{Host}]:{Port}"
            : $"{Scheme}://{Host}:{Port}";
    }

    private sealed class LookUpException(string message) : Exception(message);
}
