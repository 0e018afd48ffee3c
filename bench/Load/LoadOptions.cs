namespace Etcd.Bench.Load;

internal enum WorkloadKind
{
    Put,
    Range,
}

internal enum KeyOrder
{
    Random,
    Sequential,
}

/// <summary>One run of the generator.</summary>
internal sealed record LoadOptions
{
    public const int ConnectionsDefaultMax = 10;

    public required string Host { get; init; }

    /// <summary>The servers' ports; connections are spread over them by turns.</summary>
    public required IReadOnlyList<int> Ports { get; init; }

    public WorkloadKind Workload { get; init; }

    /// <summary>Clients, each with one call at a time; in an open loop the most calls under way.</summary>
    public int Clients { get; init; } = 100;

    /// <summary>Connections that the clients share evenly; 0 means one per client up to ten.</summary>
    public int Connections { get; init; }

    public int Threads { get; init; } = 1;

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>After the duration the measurement goes on while this says so; asked often, by one thread.</summary>
    public Func<bool>? GoesOn { get; init; }

    /// <summary>Load before the measurement begins, so that neither connecting nor the first calls count.</summary>
    public TimeSpan Ramp { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Calls per second that are offered whatever the server does; 0 means a closed loop.</summary>
    public double Rate { get; init; }

    /// <summary>Stops after so many calls, measured from the first; 0 means after the duration.</summary>
    public long CallsMax { get; init; }

    public int KeyBytes { get; init; } = 8;

    public int ValueBytes { get; init; } = 256;

    public long KeySpace { get; init; } = 100_000;

    public KeyOrder KeyOrder { get; init; } = KeyOrder.Random;

    public ulong Seed { get; init; } = 1;

    public int ConnectionCount => Math.Min(Clients, Connections > 0 ? Connections : ConnectionsDefaultMax);
}
