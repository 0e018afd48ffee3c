namespace Etcd.Server.Node;

/// <summary>What was found wrong with the store on the disk, and what became of it. Any thread.</summary>
public sealed class IntegrityFigures
{
    private long _damages;
    private long _repairsFromMemory;
    private long _repairsFromMembers;
    private long _repairFailures;

    /// <summary>Places that were found damaged since the start.</summary>
    public long Damages => Volatile.Read(ref _damages);

    /// <summary>Damage that was mended by writing again what memory has.</summary>
    public long RepairsFromMemory => Volatile.Read(ref _repairsFromMemory);

    /// <summary>How often the whole state was taken from another member.</summary>
    public long RepairsFromMembers => Volatile.Read(ref _repairsFromMembers);

    /// <summary>Tries that came to nothing.</summary>
    public long RepairFailures => Volatile.Read(ref _repairFailures);

    internal void CountDamage() => Interlocked.Increment(ref _damages);

    internal void CountRepairFromMemory() => Interlocked.Increment(ref _repairsFromMemory);

    internal void CountRepairFromMember() => Interlocked.Increment(ref _repairsFromMembers);

    internal void CountRepairFailure() => Interlocked.Increment(ref _repairFailures);
}
