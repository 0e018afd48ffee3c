namespace Etcd.Client;

/// <summary>
/// The endpoints in use. Calls go to the healthy ones in turn; where none is healthy, to the one whose penalty ends first. Safe for
/// concurrent use.
/// </summary>
internal sealed class EndpointPool : IDisposable
{
    private readonly ChannelFactory _channels;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private Endpoint[] _endpoints;
    private uint _turn;
    private bool _disposed;

    public EndpointPool(IEnumerable<string> endpoints, ChannelFactory channels, TimeProvider time)
    {
        _channels = channels;
        _time = time;
        _endpoints = [.. endpoints.Distinct(StringComparer.Ordinal).Select(Create)];
        _turn = (uint)Random.Shared.Next(_endpoints.Length);
    }

    public int Count => Volatile.Read(ref _endpoints).Length;

    public IReadOnlyList<Endpoint> All => Volatile.Read(ref _endpoints);

    /// <summary>Picks the endpoint for an attempt and enters it: <see cref="Endpoint.Leave"/> must follow.</summary>
    /// <param name="tried">Endpoints that this call has tried; others come first. Emptied when all were tried.</param>
    public Endpoint Enter(List<Endpoint>? tried = null)
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), typeof(EtcdClient));
            Endpoint picked = Pick(Volatile.Read(ref _endpoints), tried);
            if (picked.TryEnter())
                return picked;
            // It was taken out of use between the look and the entry.
        }
    }

    /// <summary>Whether an endpoint is left that the call has not tried.</summary>
    public bool HasUntried(List<Endpoint> tried) => Array.Exists(Volatile.Read(ref _endpoints), endpoint => !tried.Contains(endpoint));

    /// <summary>Finds an endpoint in use and enters it, or makes one for this call only.</summary>
    public Endpoint EnterAt(string address)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), typeof(EtcdClient));
        foreach (Endpoint endpoint in Volatile.Read(ref _endpoints))
            if (endpoint.Address.Text == address && endpoint.TryEnter())
                return endpoint;
        return Create(address);
    }

    /// <summary>Uses these endpoints from now on. Calls that run at others run on to their end.</summary>
    /// <returns>Whether that changed anything.</returns>
    public bool Replace(IReadOnlyCollection<string> addresses)
    {
        List<Endpoint> gone;
        lock (_gate)
        {
            if (_disposed || addresses.Count == 0 || addresses.Order(StringComparer.Ordinal).SequenceEqual(Addresses().Order(StringComparer.Ordinal)))
                return false;
            gone = [.. _endpoints.Where(old => !addresses.Contains(old.Address.Text))];
            Volatile.Write(ref _endpoints, [.. addresses.Distinct(StringComparer.Ordinal).Select(FindOrCreate)]);
        }

        gone.ForEach(endpoint => endpoint.Leave());
        return true;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
        }

        foreach (Endpoint endpoint in _endpoints)
            endpoint.Abort();
    }

    private IEnumerable<string> Addresses() => _endpoints.Select(endpoint => endpoint.Address.Text);

    private Endpoint FindOrCreate(string address) =>
        Array.Find(_endpoints, endpoint => endpoint.Address.Text == address) ?? Create(address);

    private Endpoint Create(string text)
    {
        EndpointAddress address = EndpointAddress.Parse(text);
        return new Endpoint(address, _channels.Create(address), _time);
    }

    private Endpoint Pick(Endpoint[] endpoints, List<Endpoint>? tried)
    {
        if (endpoints.Length == 1)
            return endpoints[0];
        if (tried is not null && !Array.Exists(endpoints, endpoint => !tried.Contains(endpoint)))
            tried.Clear();
        uint first = Interlocked.Increment(ref _turn);
        long now = _time.GetTimestamp();
        Endpoint? best = null;
        for (uint i = 0; i < endpoints.Length; i++)
        {
            Endpoint endpoint = endpoints[(first + i) % (uint)endpoints.Length];
            if (tried is not null && tried.Contains(endpoint))
                continue;
            if (endpoint.AvoidUntil <= now)
                return endpoint;
            if (best is null || endpoint.AvoidUntil < best.AvoidUntil)
                best = endpoint;
        }

        return best!;
    }
}
