using Etcd.TestKit.Network;

namespace Etcd.Interop.Tests.Client.Proofs;

/// <summary>The faults of a connection that a proof goes through, in turn.</summary>
internal enum Fault
{
    /// <summary>Connections are closed, as by a process that ends.</summary>
    Cut,

    /// <summary>Connections are reset.</summary>
    Reset,

    /// <summary>New connections are reset in the middle of a message, again and again.</summary>
    ResetInTheMiddle,

    /// <summary>All takes longer.</summary>
    Delay,

    /// <summary>Half-open: what the client sends arrives, nothing comes back.</summary>
    HalfOpen,

    /// <summary>Bytes are lost both ways, and nobody is told.</summary>
    BlackHole,
}

/// <summary>Makes one fault after the other in the connections through some proxies. Each ends when the next one begins.</summary>
internal sealed class Troublemaker(IReadOnlyList<FaultProxy> proxies, int seed)
{
    private readonly Random _random = new(seed);
    private readonly List<Fault> _made = [];

    /// <summary>What was done, in order.</summary>
    public IReadOnlyList<Fault> Made => _made;

    /// <summary>Makes the next fault.</summary>
    public void Next()
    {
        Calm();
        Fault fault = (Fault)(_made.Count % Enum.GetValues<Fault>().Length);
        _made.Add(fault);
        if (fault == Fault.HalfOpen)
        {
            // Everywhere it would be an outage, in which there is nothing to see.
            InUse().Hold(ProxyDirection.ToClient);
            return;
        }

        foreach (FaultProxy proxy in proxies)
        {
            Make(fault, proxy);
        }
    }

    /// <summary>Ends what goes on.</summary>
    public void Calm()
    {
        foreach (FaultProxy proxy in proxies)
        {
            proxy.ResetAfterBytes = null;
            proxy.Delay = TimeSpan.Zero;
            proxy.Release();
        }
    }

    private void Make(Fault fault, FaultProxy proxy)
    {
        switch (fault)
        {
            case Fault.Cut:
                proxy.Cut();
                break;
            case Fault.Reset:
                proxy.Reset();
                break;
            case Fault.ResetInTheMiddle:
                // More with each connection, as one response may be larger than any fixed number.
                int before = proxy.Accepted;
                proxy.ResetAfterBytes = number => Bytes() + (5000L * (number - before));
                proxy.Reset();
                break;
            case Fault.Delay:
                proxy.Delay = TimeSpan.FromMilliseconds(5);
                break;
            default:
                proxy.BlackHole();
                break;
        }
    }

    private FaultProxy InUse()
    {
        FaultProxy[] used = [.. proxies.Where(proxy => proxy.Open != 0)];
        return used.Length == 0 ? proxies[0] : used[_random.Next(used.Length)];
    }

    private long Bytes()
    {
        lock (_random)
        {
            return _random.Next(500, 60_000);
        }
    }
}
