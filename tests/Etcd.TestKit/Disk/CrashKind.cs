namespace Etcd.TestKit.Disk;

/// <summary>How much of what was not synced a power failure leaves.</summary>
public enum CrashKind
{
    /// <summary>Each sector and each name change by itself, as the seed decides.</summary>
    Torn,

    /// <summary>Nothing: only what was synced.</summary>
    NothingUnsynced,

    /// <summary>All of it: the disk happened to be done.</summary>
    EverythingUnsynced,
}
